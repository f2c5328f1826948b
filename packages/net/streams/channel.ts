import type { Cancel, Channel, ChannelHandler, ChannelProtocol, Clock, Log, PeerId, SendResult } from '@brume/ports'
import type { Connection, Stream } from '@libp2p/interface'
import { asError, NetError } from '../errors.ts'
import type { Host } from '../host/libp2p.ts'
import type { Links } from '../links.ts'
import type { NetMetrics } from '../metrics.ts'
import type { Turn } from '../turn.ts'
import { BATCH_FRAMES, Inlet } from './inlet.ts'
import { LANE_LIMITS, Lane, type LaneLimits } from './lane.ts'
import { OPEN_TIMEOUT_MS, Outlet } from './outlet.ts'
import { openSeldom } from './window.ts'

/** A peer that restarted may open its second stream before its first is gone. */
const INBOUND_STREAMS_MAX = 2

export interface StreamsContext {
  readonly host: Host
  readonly links: Links
  readonly turn: Turn
  readonly clock: Clock
  readonly log: Log
  readonly metrics: NetMetrics
  readonly isBanned: (peer: PeerId) => boolean
  /** Memory budgets are halved on a small machine. */
  readonly small: boolean
}

/** One protocol of long-lived one-way streams: outlets to the named peers, inlets from whoever opens one. */
export class ChannelHub implements Channel {
  readonly #context: StreamsContext
  readonly #protocol: ChannelProtocol
  readonly #handler: ChannelHandler
  readonly #closed: (hub: ChannelHub) => void
  readonly #outlets = new Map<PeerId, Outlet>()
  readonly #inbound = new Set<Stream>()
  readonly #unlisten: Cancel
  #sinceFlush = 0
  #ended = false
  readonly #flush = (): void => {
    if (this.#sinceFlush === 0) return
    this.#sinceFlush = 0
    this.#guard(() => this.#handler.flush?.())
  }

  constructor(
    context: StreamsContext,
    protocol: ChannelProtocol,
    handler: ChannelHandler,
    closed: (hub: ChannelHub) => void
  ) {
    this.#context = context
    this.#protocol = protocol
    this.#handler = handler
    this.#closed = closed
    this.#unlisten = context.links.on(({ type, peer }) => {
      if (type === 'link.up') this.#outlets.get(peer)?.open()
    })
    void context.host.handle(protocol.id, (stream, connection) => this.#accept(stream, connection), {
      maxInboundStreams: INBOUND_STREAMS_MAX,
      maxOutboundStreams: INBOUND_STREAMS_MAX
    })
  }

  connect(peers: Iterable<PeerId>): void {
    if (this.#ended) return
    const named = new Set(peers)
    named.delete(this.#context.host.peerId.toString())
    for (const [peer, outlet] of this.#outlets) {
      if (named.has(peer)) continue
      this.#outlets.delete(peer)
      outlet.close()
    }
    for (const peer of named) {
      if (!this.#outlets.has(peer)) this.#add(peer)
    }
  }

  send(peer: PeerId, body: Uint8Array): SendResult {
    if (body.length === 0 || body.length > this.#protocol.frameBytesMax) return this.#refuse(body)
    const lane = this.#outlets.get(peer)?.lane
    if (lane === undefined) return 'unreachable'
    const result = lane.push(body)
    return result === 'full' ? this.#full(peer, lane) : result
  }

  isOpen(peer: PeerId): boolean {
    return this.#outlets.get(peer)?.lane.isOpen ?? false
  }

  /** Bytes that wait for each peer: what the governor and the slow-peer watch look at. */
  *lanes(): Iterable<readonly [peer: PeerId, lane: Lane]> {
    for (const [peer, outlet] of this.#outlets) yield [peer, outlet.lane]
  }

  get protocol(): ChannelProtocol {
    return this.#protocol
  }

  /** Moves streams off a connection that is about to close, without losing what was written. */
  leave(connection: Connection): void {
    for (const outlet of this.#outlets.values()) outlet.leave(connection)
  }

  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#unlisten()
    for (const outlet of this.#outlets.values()) outlet.close()
    this.#outlets.clear()
    for (const stream of this.#inbound) stream.abort(new Error('channel closed'))
    void this.#context.host.unhandle(this.#protocol.id).catch(() => {})
    this.#closed(this)
  }

  #add(peer: PeerId): void {
    const { links, clock, turn, metrics } = this.#context
    const protocol = this.#protocol.id
    const lane = new Lane({
      limits: this.#limits(),
      turn,
      sent: (frames) => metrics.frames.inc({ protocol, direction: 'out' }, frames)
    })
    const outlet = new Outlet({
      protocol,
      connection: () => links.connection(peer),
      lane,
      clock,
      opened: () => this.#guard(() => this.#handler.opened?.(peer)),
      closed: () => this.#guard(() => this.#handler.closed?.(peer))
    })
    this.#outlets.set(peer, outlet)
    outlet.open()
  }

  #limits(): LaneLimits {
    const { frames, bytes } = LANE_LIMITS[this.#protocol.class]
    return this.#context.small ? { frames, bytes: bytes / 2 } : { frames, bytes }
  }

  /** A control protocol repairs what it lost; the others wait and try again. */
  #full(peer: PeerId, lane: Lane): SendResult {
    const { class: frameClass } = this.#protocol
    if (frameClass !== 'control') return 'full'
    this.#context.metrics.queueDropped.inc({ class: frameClass })
    this.#context.links.setSlow(peer, true)
    lane.stream?.abort(new Error('control queue full'))
    return 'unreachable'
  }

  /** A frame nobody would take is a mistake of the caller: it is dropped and reported, never thrown. */
  #refuse(body: Uint8Array): SendResult {
    const { id, frameBytesMax } = this.#protocol
    const problem = new NetError(
      'BRUME_NET_FRAME_TOO_LARGE',
      `a frame of ${id} has 1 to ${frameBytesMax} bytes, not ${body.length}: split it or send a digest`
    )
    this.#context.metrics.frameErrors.inc({ protocol: id, reason: 'refused' })
    this.#context.log.error({ protocol: id, cause: problem }, 'a frame was dropped before it was sent')
    return 'unreachable'
  }

  #accept(stream: Stream, connection: Connection): void {
    const { metrics, turn, log } = this.#context
    const from = connection.remotePeer.toString()
    const protocol = this.#protocol.id
    this.#inbound.add(stream)
    openSeldom(stream)
    stream.addEventListener('close', () => this.#inbound.delete(stream))
    new Inlet(stream, {
      frameBytesMax: this.#protocol.frameBytesMax,
      turn,
      frame: (body) => this.#handler.frame(from, body),
      delivered: () => this.#delivered(),
      fault: (reason, cause) => {
        metrics.frameErrors.inc({ protocol, reason })
        log.warn({ peer: from, protocol, reason, cause }, 'an inbound stream was ended')
      }
    })
    // This side never writes; the stream ends for good once the sender has ended too.
    void stream.close({ signal: AbortSignal.timeout(OPEN_TIMEOUT_MS) }).catch((cause) => stream.abort(asError(cause)))
    // Whoever sends to us speaks the protocol: a stream that had failed to open may do so now.
    this.#outlets.get(from)?.open()
  }

  #delivered(): void {
    this.#context.metrics.frames.inc({ protocol: this.#protocol.id, direction: 'in' })
    this.#sinceFlush += 1
    if (this.#sinceFlush >= BATCH_FRAMES) this.#flush()
    else this.#context.turn.afterReads(this.#flush)
  }

  #guard(call: () => void): void {
    try {
      call()
    } catch (cause) {
      this.#context.log.error({ protocol: this.#protocol.id, cause }, 'a channel handler threw')
    }
  }
}
