import type { Registry } from '@brume/observe'
import type { Cancel, Clock, Log, Net, PeerId, Random } from '@brume/ports'
import { parseAddress } from '../address.ts'
import { refusalError } from '../kernel/errors.ts'
import type { Down, HistoryEntry, Outbound, Refusal, Remote, Snapshot } from '../kernel/port.ts'
import type { Event, Json } from '../logic/port.ts'
import { COMMAND_BYTES_MAX, EVENT_BYTES_MAX } from './limits.ts'
import type { Link } from './link.ts'
import { type Host, Links } from './links.ts'
import { Loop } from './loop.ts'
import type { Taken } from './outgoing.ts'
import type { Reading } from './requests.ts'
import { Routes } from './routes.ts'
import type { LinkRules } from './rules.ts'
import { FINAL, readOf } from './serving.ts'
import { Stream } from './stream.ts'
import { encodeValue } from './values.ts'

export interface DeliveryOptions {
  readonly net: Pick<Net, 'self' | 'channel'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly registry?: Registry
  /** Peers that may read histories here; what they may have done is the kernel's to say. */
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
  readonly #routes = new Routes()
  readonly #loop: Loop
  #isStopped = false

  constructor(options: DeliveryOptions) {
    this.#options = options
    const moved = (to: string, address: string, messages: readonly Taken[]): void => this.#moved(to, address, messages)
    this.#links = new Links({ ...options, moved })
    this.#loop = new Loop({ self: options.net.self, clock: options.clock, host: () => this.#links.host, moved })
  }

  start(kernel: Host): void {
    this.#links.start(kernel)
  }

  stop(): void {
    this.#isStopped = true
    this.#loop.clear()
    this.#links.stop()
  }

  send(message: Outbound, via?: Via): 'accepted' | 'full' {
    const event = encodeValue(message.event)
    if (event === undefined || event.length > EVENT_BYTES_MAX) return this.#refuse(message, 'invalid')
    const peer = this.#isStopped ? undefined : (via?.peer ?? this.#routeOf(message))
    if (peer === undefined) return this.#refuse(message, this.#isStopped ? 'unreachable' : 'noactor')
    if (peer === this.#options.net.self) return this.#loopBack({ source: message, event, ttlMs: message.ttlMs })
    return this.#links.to(peer).outgoing.push(message, event, this.#options.clock.now(), via?.line)
  }

  watch(target: string, down: (down: Down) => void): Cancel {
    const cancel = this.#linkTo(target)?.requests.watch(target, down)
    return cancel ?? this.#later(() => down({ address: target, reason: 'unreachable', incarnation: 0 }))
  }

  async snapshot(target: string, timeoutMs: number, read: 'local' | 'final' = 'local'): Promise<Snapshot> {
    const filter = read === 'final' ? FINAL : ''
    return snapshotOf(await this.#one({ kind: 'snapshot', target, filter }, timeoutMs))
  }

  command(target: string, command: Json): Promise<Json> {
    const body = encodeValue(command)
    if (body !== undefined && body.length <= COMMAND_BYTES_MAX) return this.#one({ kind: 'command', target, body })
    return Promise.reject(refusalError('invalid', target))
  }

  subscribe(target: string, type: string, emitted: (event: Event) => void): Cancel {
    const item = (value: Json): void => emitted(value as Event)
    return this.#read({ kind: 'events', target, filter: type, from: 0, item, ended: () => undefined })
  }

  follow(
    target: string,
    changed: (snapshot: Snapshot) => void,
    ended: (code: string) => void = () => undefined
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

  /** The only value of a read. */
  #one(
    wanted: Pick<Reading, 'kind' | 'target' | 'body'> & { readonly filter?: string },
    timeoutMs?: number
  ): Promise<Json> {
    const { promise, resolve, reject } = Promise.withResolvers<Json>()
    const fail = (code: Parameters<typeof refusalError>[0]): void => reject(refusalError(code, wanted.target))
    const ended = (code: Parameters<Reading['ended']>[0]): void => fail(code === 'ok' ? 'failed' : code)
    const cancelRead = this.#read({ filter: '', ...wanted, from: 0, item: resolve, ended })
    // What a command takes there is for the other side to bound; a peer that is away is unreachable after 10 s.
    const cancelTimer = timeoutMs === undefined ? nothing : this.#options.clock.after(timeoutMs, () => fail('timeout'))
    return promise.finally(() => {
      cancelTimer()
      cancelRead()
    })
  }

  /** Goes on where it moved to. */
  #read(reading: Reading): Cancel {
    let hops = 0
    let cancel: Cancel = nothing
    const open = (target: string): void => {
      const ended = (code: Parameters<Reading['ended']>[0], address?: string): void => {
        if (code !== 'moved' || address === undefined || hops++ >= HOPS_MAX) return reading.ended(code)
        open(address)
      }
      const own = this.#peerAt(target) === this.#options.net.self ? this.#links.host : undefined
      const isOpen = own === undefined ? this.#linkTo(target)?.requests.read({ ...reading, target, ended }) : undefined
      if (own !== undefined) cancel = readHere(own, { ...reading, target, ended })
      else cancel = isOpen ?? this.#later(() => reading.ended('unreachable'))
    }
    open(reading.target)
    return () => cancel()
  }

  /** To where it lives, unless something of this pair is still on its way to where it lived. */
  #routeOf(message: Outbound): PeerId | undefined {
    const route = this.#routes.get(message.to)
    if (route === undefined) return this.#peerOf(message.to)
    const { self } = this.#options.net
    const holds = (peer: PeerId): boolean =>
      peer === self ? this.#loop.holds(message) : this.#links.known(peer)?.outgoing.holds(message) === true
    return route.before.find(holds) ?? route.peer
  }

  #moved(to: string, address: string, messages: readonly Taken[]): void {
    const peer = this.#peerAt(address)
    if (peer === undefined) {
      for (const { source } of messages) this.#refuse(source, 'noactor')
      return
    }
    this.#routes.set(to, peer, this.#peerOf(to))
    const link = peer === this.#options.net.self ? undefined : this.#links.to(peer)
    for (const message of messages) {
      if (link === undefined) this.#loop.push(message)
      else link.outgoing.adopt(message, this.#options.clock.now())
    }
  }

  #loopBack(message: Taken): 'accepted' | 'full' {
    if (this.#loop.isFull) return 'full'
    this.#loop.push(message)
    return 'accepted'
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

  /** As `#peerOf`, also where it is this one. */
  #peerAt(target: string): PeerId | undefined {
    return this.#isStopped ? undefined : peerOf(target)
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

/** How often one is followed to where it moved: whoever sends it round and round is not worth more. */
const HOPS_MAX = 8
const nothing: Cancel = () => undefined

/** What is read of an actor that came to this very peer. */
function readHere(host: Host, { kind, target, filter, from, item, ended }: Reading): Cancel {
  if (kind === 'events') return host.on(target, filter, item)
  if (kind === 'follow') return host.follow(target, (snapshot) => item(snapshot as unknown as Json))
  const failed = (): void => ended('failed')
  if (kind === 'snapshot')
    host.snapshot(target, readOf(filter)).then((snapshot) => item(snapshot as unknown as Json), failed)
  else if (kind === 'history') each(host.history(target, from), item).then(() => ended('ok'), failed)
  else failed()
  return nothing
}

async function each(entries: AsyncIterable<HistoryEntry>, item: (value: Json) => void): Promise<void> {
  for await (const entry of entries) item(entry as unknown as Json)
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
