import type { Cancel, Channel, ChannelHandler, ChannelProtocol, FrameClass, PeerId, SendResult } from '@brume/ports'
import type { Connection } from './connection.ts'
import type { SimNode } from './sim-node.ts'

const MEBIBYTE = 1_048_576
/** What waits for one peer, by class (libp2p.md 4). */
const QUEUES: Readonly<Record<FrameClass, { readonly frames: number; readonly bytes: number }>> = {
  control: { frames: 1_024, bytes: MEBIBYTE },
  data: { frames: 512, bytes: MEBIBYTE },
  bulk: { frames: Number.POSITIVE_INFINITY, bytes: MEBIBYTE }
}
const FRAME_HEADER_BYTES = 4
/** Frames of one turn leave in writes of at most this. */
const WRITE_BYTES_MAX = 64 * 1024
const BATCH_FRAMES_MAX = 64
/** A stream that was aborted is opened again after this long. */
const REOPEN_MS = 200

/** The own outgoing stream to one peer. */
interface Outlet {
  connection: Connection | undefined
  isOpen: boolean
  /** Names the stream; another each time it is opened. */
  stream: object
  readonly queue: Uint8Array[]
  queuedBytes: number
  flushing: boolean
  reopening: Cancel | undefined
}

/** A channel over simulated pipes: opening takes a round trip, frames of one instant leave together. */
export class SimChannel implements Channel {
  readonly #node: SimNode
  readonly #protocol: ChannelProtocol
  readonly #handler: ChannelHandler
  readonly #outlets = new Map<PeerId, Outlet>()
  /** Inbound streams that a throw has ended: what of them is still under way is not read. */
  readonly #aborted = new WeakSet<object>()
  #ended = false

  constructor(node: SimNode, protocol: ChannelProtocol, handler: ChannelHandler) {
    this.#node = node
    this.#protocol = protocol
    this.#handler = handler
  }

  connect(peers: Iterable<PeerId>): void {
    if (this.#ended) return
    const named = new Set(peers)
    named.delete(this.#node.self)
    for (const [peer, outlet] of this.#outlets) {
      if (named.has(peer)) continue
      this.#shut(peer, outlet)
      outlet.reopening?.()
      this.#outlets.delete(peer)
    }
    for (const peer of named) {
      if (!this.#outlets.has(peer)) this.#outlets.set(peer, newOutlet())
      this.retry(peer)
    }
  }

  send(peer: PeerId, body: Uint8Array): SendResult {
    const outlet = this.#outlets.get(peer)
    const isTooLarge = body.length === 0 || body.length > this.#protocol.frameBytesMax
    if (this.#ended || isTooLarge || outlet === undefined || !outlet.isOpen) return 'unreachable'
    const bytes = body.length + FRAME_HEADER_BYTES
    const limit = QUEUES[this.#protocol.class]
    const isFull = outlet.queue.length >= limit.frames || outlet.queuedBytes + bytes > limit.bytes
    if (isFull && outlet.queue.length > 0) return this.#full(peer, outlet)
    outlet.queue.push(body.slice())
    outlet.queuedBytes += bytes
    this.#flushLater(peer, outlet)
    return 'queued'
  }

  isOpen(peer: PeerId): boolean {
    return this.#outlets.get(peer)?.isOpen ?? false
  }

  close(): void {
    if (this.#ended) return
    for (const [peer, outlet] of this.#outlets) this.#shut(peer, outlet)
    this.end()
    if (this.#node.channels.get(this.#protocol.id) === this) this.#node.channels.delete(this.#protocol.id)
    for (const connection of this.#node.connections()) {
      connection.outgoing(this.#node.self).write(FRAME_HEADER_BYTES, () => {
        connection.other(this.#node.self).channels.get(this.#protocol.id)?.refused(this.#node.self, connection)
      })
    }
  }

  /** Ends without a word, as its process did. */
  end(): void {
    this.#ended = true
    for (const outlet of this.#outlets.values()) outlet.reopening?.()
    this.#outlets.clear()
  }

  /** The peer is there, or speaks the protocol now: opens the stream if there is to be one. */
  retry(peer: PeerId): void {
    const outlet = this.#outlets.get(peer)
    const connection = this.#node.connection(peer)
    if (outlet === undefined || connection === undefined || outlet.connection === connection) return
    outlet.connection = connection
    const there = connection.outgoing(this.#node.self)
    const back = connection.outgoing(peer)
    there.write(FRAME_HEADER_BYTES, () => {
      const isServed = connection.other(this.#node.self).channels.has(this.#protocol.id)
      back.write(FRAME_HEADER_BYTES, () => this.#negotiated(peer, outlet, connection, isServed))
    })
  }

  /** The connection is gone. */
  lost(peer: PeerId): void {
    const outlet = this.#outlets.get(peer)
    if (outlet !== undefined) this.#shut(peer, outlet)
  }

  /** The other side ended the stream on which this one sends. */
  refused(peer: PeerId, connection: Connection): void {
    const outlet = this.#outlets.get(peer)
    if (outlet === undefined || outlet.connection !== connection) return
    this.#shut(peer, outlet)
    outlet.reopening?.()
    outlet.reopening = this.#node.world.clock.after(REOPEN_MS, () => this.retry(peer))
  }

  /** Frames of one write arrived here. */
  receive(from: PeerId, frames: readonly Uint8Array[], connection: Connection, stream: object): void {
    if (this.#aborted.has(stream)) return
    try {
      for (const body of frames) if (!this.#ended) this.#handler.frame(from, body)
    } catch {
      this.#aborted.add(stream)
      const answer = (): void =>
        connection.other(this.#node.self).channels.get(this.#protocol.id)?.refused(this.#node.self, connection)
      connection.outgoing(this.#node.self).write(FRAME_HEADER_BYTES, answer)
    }
    if (!this.#ended) this.#handler.flush?.()
  }

  #negotiated(peer: PeerId, outlet: Outlet, connection: Connection, isServed: boolean): void {
    if (this.#outlets.get(peer) !== outlet || outlet.connection !== connection) return
    if (!isServed) {
      // Tried again when the other side opens its channel, or connects anew.
      outlet.connection = undefined
      return
    }
    outlet.isOpen = true
    outlet.stream = {}
    this.#handler.opened?.(peer)
  }

  #shut(peer: PeerId, outlet: Outlet): void {
    const wasOpen = outlet.isOpen
    outlet.isOpen = false
    outlet.connection = undefined
    outlet.queue.length = 0
    outlet.queuedBytes = 0
    // A connection that ends wakes nobody who waited for room in it.
    outlet.flushing = false
    if (wasOpen) this.#handler.closed?.(peer)
  }

  #full(peer: PeerId, outlet: Outlet): SendResult {
    if (this.#protocol.class !== 'control') return 'full'
    const { connection } = outlet
    if (connection !== undefined) this.refused(peer, connection)
    return 'unreachable'
  }

  #flushLater(peer: PeerId, outlet: Outlet): void {
    if (outlet.flushing) return
    outlet.flushing = true
    const flush = (): void => {
      outlet.flushing = false
      this.#flush(peer, outlet)
    }
    const pipe = outlet.connection?.outgoing(this.#node.self)
    if (pipe === undefined || pipe.takesMore) this.#node.world.clock.after(0, flush)
    else pipe.drained(flush)
  }

  #flush(peer: PeerId, outlet: Outlet): void {
    const { connection } = outlet
    if (connection === undefined || !outlet.isOpen) return
    const { stream } = outlet
    const pipe = connection.outgoing(this.#node.self)
    while (outlet.queue.length > 0 && pipe.takesMore) {
      const { frames, bytes } = takeWrite(outlet)
      pipe.write(bytes, () => {
        connection
          .other(this.#node.self)
          .channels.get(this.#protocol.id)
          ?.receive(this.#node.self, frames, connection, stream)
      })
    }
    if (outlet.queue.length > 0) this.#flushLater(peer, outlet)
  }
}

const newOutlet = (): Outlet => ({
  connection: undefined,
  isOpen: false,
  stream: {},
  queue: [],
  queuedBytes: 0,
  flushing: false,
  reopening: undefined
})

function takeWrite(outlet: Outlet): { frames: Uint8Array[]; bytes: number } {
  let bytes = 0
  const end = outlet.queue.findIndex((body, index) => {
    bytes += body.length + FRAME_HEADER_BYTES
    return index >= BATCH_FRAMES_MAX || (index > 0 && bytes > WRITE_BYTES_MAX)
  })
  const frames = outlet.queue.splice(0, end === -1 ? outlet.queue.length : end)
  const taken = frames.reduce((sum, body) => sum + body.length + FRAME_HEADER_BYTES, 0)
  outlet.queuedBytes -= taken
  return { frames, bytes: taken }
}
