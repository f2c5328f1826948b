import type { Socket } from 'node:net'
import type { Shape } from './profiles.ts'

/** Held back in one direction; above it the sender is not read any more. */
const BUFFER_BYTES_MAX = 524_288
/** A lost packet of this size costs the direction a pause, as TCP's retransmission does. */
const PACKET_BYTES = 1_448
const RETRANSMIT_MS_MIN = 200

export interface ShaperOptions {
  readonly shape: () => Shape
  /** Nothing is read or written, and nothing closed. */
  readonly isBlocked: () => boolean
  readonly now: () => number
  /** In [0, 1). */
  readonly random: () => number
}

/**
 * When bytes that arrive in order may leave. Delay does not add up from chunk to chunk: each leaves at its own
 * time, never before the one ahead of it. Times in milliseconds.
 */
export class Schedule {
  #lastMs = 0
  /** The link is busy with earlier bytes until then. */
  #busyMs = 0

  releaseAt(arrivedMs: number, bytes: number, shape: Shape, random: () => number): number {
    const { delayMs, jitterMs, rateKbit, lossPct } = shape
    const sendingMs = rateKbit === null ? 0 : (bytes * 8) / rateKbit
    this.#busyMs = Math.max(arrivedMs, this.#busyMs) + sendingMs
    const pauseMs = this.#losses(bytes, lossPct, random) * Math.max(RETRANSMIT_MS_MIN, 2 * delayMs)
    this.#lastMs = Math.max(this.#lastMs, this.#busyMs + delayMs + jitterMs * random()) + pauseMs
    return this.#lastMs
  }

  #losses(bytes: number, lossPct: number, random: () => number): number {
    if (lossPct === 0) return 0
    let lost = 0
    for (let sent = 0; sent < bytes; sent += PACKET_BYTES) if (random() * 100 < lossPct) lost++
    return lost
  }
}

interface Held {
  readonly chunk: Buffer
  readonly releaseMs: number
}

/** Carries bytes from one socket to another as the link between them would. */
export class Shaper {
  readonly #from: Socket
  readonly #to: Socket
  readonly #options: ShaperOptions
  readonly #schedule = new Schedule()
  readonly #held: Held[] = []
  #heldBytes = 0
  #ended = false
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, options: ShaperOptions) {
    this.#from = from
    this.#to = to
    this.#options = options
    from.on('data', (chunk) => this.#take(chunk))
    from.on('end', () => {
      this.#ended = true
      this.look()
    })
    to.on('drain', () => this.look())
    // A socket that was paused for its first line goes on here.
    this.look()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#held.length = 0
  }

  #take(chunk: Buffer): void {
    const { now, shape, random } = this.#options
    this.#held.push({ chunk, releaseMs: this.#schedule.releaseAt(now(), chunk.length, shape(), random) })
    this.#heldBytes += chunk.length
    this.look()
  }

  /** Sends what is due; to be called again when a block was lifted. */
  look(): void {
    clearTimeout(this.#timer)
    const blocked = this.#options.isBlocked()
    while (!blocked && !this.#to.writableNeedDrain && (this.#held[0]?.releaseMs ?? Infinity) <= this.#options.now()) {
      const { chunk } = this.#held.shift() as Held
      this.#heldBytes -= chunk.length
      this.#to.write(chunk)
    }
    const [next] = this.#held
    if (blocked || this.#heldBytes > BUFFER_BYTES_MAX) this.#from.pause()
    else this.#from.resume()
    if (next === undefined && this.#ended && !blocked) this.#to.end()
    if (next !== undefined && !blocked) {
      this.#timer = setTimeout(() => this.look(), Math.max(0, next.releaseMs - this.#options.now()))
    }
  }
}
