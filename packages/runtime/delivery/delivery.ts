import type { Registry } from '@brume/observe'
import type { Cancel, Clock, Log, Net, PeerId, Random } from '@brume/ports'
import { parseAddress } from '../address.ts'
import { refusalError } from '../kernel/errors.ts'
import type { Down, HistoryEntry, Outbound, Refusal, Remote, Snapshot } from '../kernel/port.ts'
import type { Event, Json } from '../logic/port.ts'
import { EVENT_BYTES_MAX } from './limits.ts'
import type { Link } from './link.ts'
import { type Host, Links } from './links.ts'
import type { Reading } from './requests.ts'
import type { LinkRules } from './rules.ts'
import { Stream } from './stream.ts'
import { encodeValue } from './values.ts'

export interface DeliveryOptions {
  readonly net: Pick<Net, 'self' | 'channel'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly registry?: Registry
  /** Peers that may read histories here. */
  readonly admins?: readonly PeerId[]
  /** May this peer speak for that actor of a group? Undefined: not known yet, it is to try again. Default: none may. */
  readonly speaksFor?: (peer: PeerId, address: string) => boolean | undefined
  /** Is that actor of a group held here now? Default: none is. */
  readonly holds?: (address: string) => boolean
  /** Who holds that actor of a group, as far as is known. Default: nobody does. */
  readonly holderOf?: (address: string) => PeerId | undefined
  /** The judgements of a link; a simulation puts in wrong ones. */
  readonly rules?: LinkRules
}

export type Ended = Parameters<Reading['ended']>[0]

/** What is kept of one other peer. */
export interface LinkView {
  readonly peer: PeerId
  readonly isReady: boolean
  /** Not settled yet. */
  readonly messages: number
  readonly queuedBytes: number
  /** Of that peer's messages in mailboxes here. */
  readonly heldBytes: number
  readonly pairsOut: number
  readonly pairsIn: number
  /** Watches and reads. */
  readonly requests: number
}

/** The peer that holds an actor of a group, and the number of the try: messages of one try are in order among themselves. */
export interface Via {
  readonly peer: PeerId
  readonly line: number
}

export interface Delivery extends Remote {
  /** @param via - for an actor of a group */
  send(message: Outbound, via?: Via): 'accepted' | 'full'
  /** From now on this kernel is reached. */
  start(kernel: Host): void
  /** Nothing leaves any more; who waits is not told. */
  stop(): void
  /** Every change of an actor over there, after its batch. `ended`: no more will come. */
  follow(target: string, changed: (snapshot: Snapshot) => void, ended?: (code: Ended) => void): Cancel
  view(): readonly LinkView[]
}

/** Peers of addresses that were lately used: parsing costs more than queueing a message. */
const KNOWN_MAX = 4_096
const GROUP = 'brume://group/'

/** The way to actors of other peers, over one stream a direction: order, retries, credit, watches, reads. */
export function createDelivery(options: DeliveryOptions): Delivery {
  return new LinkedDelivery(options)
}

class LinkedDelivery implements Delivery {
  readonly #options: DeliveryOptions
  readonly #links: Links
  readonly #peers = new Map<string, PeerId | undefined>()
  #isStopped = false

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#links = new Links(options)
  }

  start(kernel: Host): void {
    this.#links.start(kernel)
  }

  stop(): void {
    this.#isStopped = true
    this.#links.stop()
  }

  send(message: Outbound, via?: Via): 'accepted' | 'full' {
    const event = encodeValue(message.event)
    if (event === undefined || event.length > EVENT_BYTES_MAX) return this.#refuse(message, 'invalid')
    const link = via === undefined || this.#isStopped ? this.#linkTo(message.to) : this.#links.to(via.peer)
    if (link === undefined) return this.#refuse(message, this.#isStopped ? 'unreachable' : 'noactor')
    return link.outgoing.push(message, event, this.#options.clock.now(), via?.line)
  }

  watch(target: string, down: (down: Down) => void): Cancel {
    const cancel = this.#linkTo(target)?.requests.watch(target, down)
    return cancel ?? this.#later(() => down({ address: target, reason: 'unreachable', incarnation: 0 }))
  }

  snapshot(target: string, timeoutMs: number): Promise<Snapshot> {
    const { promise, resolve, reject } = Promise.withResolvers<Snapshot>()
    const fail = (code: Parameters<typeof refusalError>[0]): void => reject(refusalError(code, target))
    const cancelRead = this.#read({
      ...{ kind: 'snapshot', target, filter: '', from: 0 },
      item: (value) => resolve(snapshotOf(value)),
      ended: (code) => fail(code === 'ok' ? 'failed' : code)
    })
    const cancelTimer = this.#options.clock.after(timeoutMs, () => fail('timeout'))
    return promise.finally(() => {
      cancelTimer()
      cancelRead()
    })
  }

  subscribe(target: string, type: string, emitted: (event: Event) => void): Cancel {
    const item = (value: Json): void => emitted(value as Event)
    return this.#read({ kind: 'events', target, filter: type, from: 0, item, ended: () => undefined })
  }

  follow(
    target: string,
    changed: (snapshot: Snapshot) => void,
    ended: (code: Ended) => void = () => undefined
  ): Cancel {
    const item = (value: Json): void => changed(snapshotOf(value))
    return this.#read({ kind: 'follow', target, filter: '', from: 0, item, ended })
  }

  history(target: string, from: number): AsyncIterable<HistoryEntry> {
    const entries = new Stream<HistoryEntry>()
    const cancel = this.#read({
      ...{ kind: 'history', target, filter: '', from },
      item: (value) => entries.push(value as unknown as HistoryEntry),
      ended: (code) => entries.end(code === 'ok' ? undefined : refusalError(code, target))
    })
    return entries.iterate(cancel)
  }

  view(): readonly LinkView[] {
    return [...this.#links.entries()].map(([peer, { isReady, outgoing, incoming, requests, queuedBytes }]) => ({
      ...{ peer, isReady, queuedBytes, messages: outgoing.messages, heldBytes: incoming.heldBytes },
      ...{ pairsOut: outgoing.pairs, pairsIn: incoming.pairs, requests: requests.size }
    }))
  }

  #read(reading: Reading): Cancel {
    const cancel = this.#linkTo(reading.target)?.requests.read(reading)
    return cancel ?? this.#later(() => reading.ended('unreachable'))
  }

  /** Undefined where no other peer is at that address. */
  #linkTo(target: string): Link | undefined {
    const peer = this.#isStopped ? undefined : this.#peerOf(target)
    return peer === undefined ? undefined : this.#links.to(peer)
  }

  #peerOf(target: string): PeerId | undefined {
    if (target.startsWith(GROUP)) return this.#options.holderOf?.(target)
    if (this.#peers.has(target)) return this.#peers.get(target)
    if (this.#peers.size >= KNOWN_MAX) this.#peers.clear()
    const peer = peerOf(target)
    const other = peer === this.#options.net.self ? undefined : peer
    this.#peers.set(target, other)
    return other
  }

  /** In a later turn: who sends does not expect an answer before this returns. */
  #refuse(message: Outbound, code: Refusal | 'unreachable'): 'accepted' {
    this.#later(() => message.refused?.(code))
    return 'accepted'
  }

  #later(run: () => void): Cancel {
    return this.#options.clock.after(0, run)
  }
}

/** What `serving.ts` made of it. A hostile peer may claim anything of its own actors. */
const snapshotOf = (value: Json): Snapshot => value as unknown as Snapshot

/** The peer at which an address is; undefined for a group's, or what is none. */
function peerOf(address: string): PeerId | undefined {
  try {
    return parseAddress(address).peer ?? undefined
  } catch {
    return undefined
  }
}
