import type { Cancel, Clock } from '@brume/ports'
import type { Connection, Stream } from '@libp2p/interface'
import { asError } from '../errors.ts'
import type { Lane } from './lane.ts'

/** Longest for opening a stream, protocol negotiation included. */
export const OPEN_TIMEOUT_MS = 5_000
/** Waits between attempts on a connection that is up: the peer may not speak the protocol yet. */
const REOPEN_FIRST_MS = 100
const REOPEN_MS_MAX = 5_000
/** A stream that lasted this long was no failed attempt. */
const LASTING_MS = 5_000

interface OutletOptions {
  readonly protocol: string
  /** The connection on which to open; undefined while the peer is not connected. */
  readonly connection: () => Connection | undefined
  readonly lane: Lane
  readonly clock: Clock
  readonly opened: () => void
  readonly closed: () => void
}

/** Keeps one outgoing stream to one peer open for as long as the peer is connected. */
export class Outlet {
  readonly lane: Lane
  readonly #options: OutletOptions
  #opening = false
  #ended = false
  #on: Connection | undefined
  #openedMs = 0
  #attempts = 0
  #cancelRetry: Cancel = () => {}

  constructor(options: OutletOptions) {
    this.#options = options
    this.lane = options.lane
  }

  /** Opens now unless it is open or opening; a waiting retry is brought forward. */
  open(): void {
    if (this.#ended || this.#opening || this.lane.isOpen) return
    const connection = this.#options.connection()
    if (connection === undefined) return
    this.#cancelRetry()
    this.#opening = true
    void this.#openOn(connection)
  }

  /** The connection is about to close: ends the stream there in good order and opens another. */
  leave(connection: Connection): void {
    const stream = this.lane.stream
    if (this.#on !== connection || stream === undefined) return
    this.#detach()
    void stream.close({ signal: AbortSignal.timeout(OPEN_TIMEOUT_MS) }).catch((cause) => stream.abort(asError(cause)))
    this.open()
  }

  close(): void {
    this.#ended = true
    this.#cancelRetry()
    const stream = this.lane.stream
    this.#detach()
    void stream?.close({ signal: AbortSignal.timeout(OPEN_TIMEOUT_MS) }).catch((cause) => stream.abort(asError(cause)))
  }

  async #openOn(connection: Connection): Promise<void> {
    try {
      const signal = AbortSignal.timeout(OPEN_TIMEOUT_MS)
      const stream = await connection.newStream(this.#options.protocol, { signal, maxOutboundStreams: 2 })
      this.#opening = false
      if (this.#ended) stream.abort(new Error('channel closed'))
      else this.#attach(connection, stream)
    } catch {
      this.#opening = false
      this.#retry()
    }
  }

  #attach(connection: Connection, stream: Stream): void {
    if (stream.status !== 'open') {
      this.#retry()
      return
    }
    this.#on = connection
    this.#openedMs = this.#options.clock.now()
    this.lane.attach(stream)
    stream.addEventListener('close', () => this.#streamClosed(stream))
    // The other side only reads: data here is a breach, and unread it would pile up.
    stream.addEventListener('message', () => stream.abort(new Error('data on a one-way stream')))
    this.#options.opened()
  }

  #streamClosed(stream: Stream): void {
    if (this.lane.stream !== stream) return
    if (this.#options.clock.now() - this.#openedMs >= LASTING_MS) this.#attempts = 0
    this.#detach()
    this.#retry()
  }

  #detach(): void {
    if (!this.lane.isOpen) return
    this.#on = undefined
    this.lane.detach()
    this.#options.closed()
  }

  #retry(): void {
    if (this.#ended || this.#options.connection() === undefined) {
      this.#attempts = 0
      return
    }
    const waitMs = Math.min(REOPEN_MS_MAX, REOPEN_FIRST_MS * 2 ** this.#attempts)
    this.#attempts += 1
    this.#cancelRetry = this.#options.clock.after(waitMs, () => this.open())
  }
}
