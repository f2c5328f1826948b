import { CodecError } from '@brume/codec'
import { createRegistry } from '@brume/observe'
import type { Cancel, Channel, ChannelProtocol, PeerId } from '@brume/ports'
import { RuntimeError } from '../error.ts'
import { refusalError } from '../kernel/errors.ts'
import { type Kernel, REFUSAL, type Refusal } from '../kernel/port.ts'
import { Admission } from './admission.ts'
import type { DeliveryOptions } from './delivery.ts'
import { DeliveryError } from './error.ts'
import { Fence } from './fence.ts'
import { SESSION_BYTES } from './frames.ts'
import type { Counted } from './incoming.ts'
import { FRAME_BYTES_MAX, SWEEP_MS } from './limits.ts'
import { Link, type LinkSink } from './link.ts'
import { deliveryMetrics } from './metrics.ts'
import { LINK_RULES, type LinkRules } from './rules.ts'
import type { Shown } from './serving.ts'
import { decodeValue, encodeValue } from './values.ts'

/** One stream a direction between two peers, opened when there is something to say. */
export const ACTORS_CHANNEL: ChannelProtocol = {
  id: '/brume/actors/1.0.0',
  // Bounded by bytes: replies are small frames, and many.
  class: 'bulk',
  frameBytesMax: FRAME_BYTES_MAX
}

/** A stream that takes no more is asked again after this long. */
const RETRY_MS = 2

export type Host = Shown & Pick<Kernel, 'receive' | 'obey' | 'adopts'>

export interface LinksOptions extends DeliveryOptions {
  readonly moved: LinkSink['moved']
}

/** The links to all peers: their streams, when they are written to, what waits too long. */
export class Links {
  readonly #options: LinksOptions
  readonly #rules: LinkRules
  readonly #fence: Fence
  readonly #admission: Admission
  readonly #metrics: ReturnType<typeof deliveryMetrics>
  readonly #links = new Map<PeerId, Link>()
  readonly #open = new Set<PeerId>()
  readonly #due = new Set<PeerId>()
  #host: Host | undefined
  #channel: Channel | undefined
  #turnEnds = false
  #cancelSweep: Cancel = () => undefined
  #wake: { readonly atMs: number; readonly cancel: Cancel } | undefined
  readonly #flush = (): void => {
    this.#turnEnds = false
    const due = [...this.#due]
    this.#due.clear()
    for (const peer of due) this.#write(peer)
  }

  constructor(options: LinksOptions) {
    const { net, admins = [], rules = LINK_RULES, registry = createRegistry() } = options
    const { speaksFor = () => false, holds } = options
    this.#options = options
    this.#rules = rules
    this.#fence = new Fence(rules)
    const adopts = (address: string): boolean => this.#host?.adopts(address) ?? false
    this.#admission = new Admission({ self: net.self, admins, speaksFor, holds, adopts })
    this.#metrics = deliveryMetrics(registry)
  }

  start(host: Host): void {
    this.#host = host
    this.#channel = this.#options.net.channel(ACTORS_CHANNEL, {
      frame: (from, body) => this.#frame(from, body),
      flush: this.#flush,
      opened: (peer) => {
        this.#open.add(peer)
        this.#links.get(peer)?.opened()
      },
      closed: (peer) => {
        this.#open.delete(peer)
        this.#links.get(peer)?.closed(this.#nowMs)
      }
    })
    this.#channel.connect(this.#links.keys())
    this.#sweepLater()
  }

  stop(): void {
    this.#cancelSweep()
    this.#wake?.cancel()
    this.#channel?.close()
    this.#channel = undefined
    this.#host = undefined
    for (const link of this.#links.values()) link.end()
    this.#links.clear()
    this.#due.clear()
  }

  entries(): Iterable<readonly [PeerId, Link]> {
    return this.#links
  }

  get host(): Host | undefined {
    return this.#host
  }

  /** Where there is something going on already. */
  known(peer: PeerId): Link | undefined {
    return this.#links.get(peer)
  }

  /** Something is to be said to that peer by the end of this turn. */
  to(peer: PeerId): Link {
    const link = this.#link(peer)
    this.#soon(peer)
    return link
  }

  get #nowMs(): number {
    return this.#options.clock.now()
  }

  #link(peer: PeerId): Link {
    const known = this.#links.get(peer)
    if (known !== undefined) return known
    const session = this.#options.random.bytes(SESSION_BYTES)
    const link = new Link({
      session,
      fence: this.#fence,
      rules: this.#rules,
      sink: this.#sink(peer),
      nowMs: this.#nowMs
    })
    this.#links.set(peer, link)
    if (this.#open.has(peer)) link.opened()
    this.#channel?.connect(this.#links.keys())
    return link
  }

  #sink(peer: PeerId): LinkSink {
    return {
      encode: encodeValue,
      decode: decodeValue,
      codeOf,
      shown: () => this.#host,
      admit: (from, incarnation, to) => this.#admission.pair(peer, from, incarnation, to),
      refusal: (kind, target) => this.#admission.read(peer, kind, target),
      receive: (message, inbox) => {
        if (this.#host === undefined) inbox.refused('rejected', 0)
        else this.#host.receive({ ...message, peer }, inbox)
      },
      obey: (target, body) => this.#host?.obey(peer, target, body) ?? Promise.reject(refusalError('noactor', target)),
      moved: (to, address, messages) => this.#options.moved(to, address, messages),
      count: (what, code) => this.#count(what, code),
      soon: () => this.#soon(peer)
    }
  }

  #count(what: Counted, code: Refusal | undefined): void {
    if (what === 'nack') this.#metrics.nacks.inc({ code: code ?? 'rejected' })
    else if (what === 'duplicate') this.#metrics.duplicates.inc()
    else if (what === 'ignored') this.#metrics.ignored.inc()
  }

  #frame(peer: PeerId, body: Uint8Array): void {
    try {
      this.#link(peer).frame(body, this.#nowMs)
    } catch (error) {
      if (error instanceof CodecError || error instanceof DeliveryError) {
        this.#metrics.faults.inc({ code: error.code })
        this.#options.log.warn({ peer, error }, 'a peer broke the protocol of actors: its stream is ended')
      }
      throw error
    }
  }

  #soon(peer: PeerId): void {
    this.#due.add(peer)
    if (this.#turnEnds) return
    this.#turnEnds = true
    const { clock } = this.#options
    if (clock.turn === undefined) clock.after(0, this.#flush)
    else clock.turn(this.#flush)
  }

  #write(peer: PeerId): void {
    const link = this.#links.get(peer)
    const channel = this.#channel
    if (link === undefined || channel === undefined) return
    let isFull = false
    link.flush(this.#nowMs, (body) => {
      isFull = channel.send(peer, body) === 'full'
      return !isFull
    })
    const atMs = isFull ? this.#nowMs + RETRY_MS : link.wakeMs
    if (atMs !== undefined) this.#wakeAt(atMs)
  }

  /** One timer for whatever is next: pauses end, streams take more. */
  #wakeAt(atMs: number): void {
    const others = this.#wake
    if (others !== undefined && others.atMs <= atMs) return
    others?.cancel()
    const run = (): void => {
      this.#wake = undefined
      for (const [each, link] of this.#links) {
        const { wakeMs } = link
        if (link.wantsTurn(this.#nowMs)) this.#due.add(each)
        else if (wakeMs !== undefined) this.#wakeAt(wakeMs)
      }
      this.#flush()
    }
    this.#wake = { atMs, cancel: this.#options.clock.after(Math.max(0, atMs - this.#nowMs), run) }
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#options.clock.after(SWEEP_MS, () => {
      this.#sweep()
      this.#sweepLater()
    })
  }

  #sweep(): void {
    let bytes = 0
    for (const [peer, link] of [...this.#links]) {
      link.sweep(this.#nowMs)
      bytes += link.queuedBytes
      if (link.isForgettable(this.#nowMs)) this.#forget(peer, link)
      else if (link.wantsTurn(this.#nowMs)) this.#soon(peer)
    }
    this.#metrics.queueBytes.set(bytes)
    this.#metrics.links.set(this.#links.size)
  }

  #forget(peer: PeerId, link: Link): void {
    link.end()
    this.#links.delete(peer)
    this.#channel?.connect(this.#links.keys())
  }
}

/** What a rejected read of the kernel means on the wire: by the code of its error. */
function codeOf(error: unknown): Refusal {
  const name = error instanceof RuntimeError ? error.code.slice('BRUME_RUNTIME_'.length).toLowerCase() : 'failed'
  return name in REFUSAL ? (name as Refusal) : 'failed'
}
