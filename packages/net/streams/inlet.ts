import type { Stream } from '@libp2p/interface'
import type { Turn } from '../turn.ts'
import { type FrameFault, FrameReader } from './frames.ts'

/** Frames handed over before the loop gets its turn: a burst must not starve everything else. */
export const BATCH_FRAMES = 64

export interface InletOptions {
  readonly frameBytesMax: number
  readonly frame: (body: Uint8Array) => void
  /** After a frame was handed over. */
  readonly delivered: () => void
  readonly fault: (reason: FrameFault | 'handler', cause?: unknown) => void
  readonly turn: Turn
}

/**
 * The reading side of one inbound stream: chunks become frames, frames go to the handler at once, at
 * most 64 in a turn. The rest waits here unparsed while the stream is paused, so that the sender's
 * window closes: at most what was buffered and one window, about 2 MiB.
 */
export class Inlet {
  readonly #stream: Stream
  readonly #options: InletOptions
  readonly #reader: FrameReader
  readonly #waiting: Uint8Array[] = []
  #inTurn = 0
  #turnEnds = false
  #resuming = false
  #ended = false
  readonly #hasRoom = (): boolean => this.#inTurn < BATCH_FRAMES && !this.#ended
  readonly #nextTurn = (): void => {
    this.#turnEnds = false
    this.#inTurn = 0
    this.#readWaiting()
    if (this.#waiting.length === 0) this.#resume()
  }

  constructor(stream: Stream, options: InletOptions) {
    this.#stream = stream
    this.#options = options
    this.#reader = new FrameReader(options.frameBytesMax, (body) => this.#deliver(body))
    stream.addEventListener('message', ({ data }) => this.#chunk(data.subarray()))
  }

  #chunk(bytes: Uint8Array): void {
    if (this.#ended) return
    this.#waiting.push(bytes)
    this.#readWaiting()
    if (this.#waiting.length > 0 && !this.#resuming) this.#pause()
  }

  #readWaiting(): void {
    while (this.#hasRoom()) {
      const bytes = this.#waiting.shift()
      if (bytes === undefined) return
      const read = this.#reader.pushWhile(bytes, this.#hasRoom)
      if (this.#reader.fault !== undefined) this.#fail(this.#reader.fault)
      else if (read < bytes.length) this.#waiting.unshift(bytes.subarray(read))
    }
  }

  #deliver(body: Uint8Array): void {
    this.#inTurn += 1
    this.#endTurnLater()
    try {
      this.#options.frame(body)
    } catch (cause) {
      this.#fail('handler', cause)
      return
    }
    this.#options.delivered()
  }

  #pause(): void {
    if (this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  /**
   * `resume` hands out what was buffered before it opens the window, and opens it even if it was
   * paused again meanwhile; then the buffer overruns. So a pause waits until `resume` has returned.
   */
  #resume(): void {
    if (this.#stream.readStatus !== 'paused') return
    this.#resuming = true
    this.#stream.resume()
    this.#resuming = false
    if (this.#waiting.length > 0) this.#pause()
  }

  #endTurnLater(): void {
    if (this.#turnEnds) return
    this.#turnEnds = true
    this.#options.turn.afterReads(this.#nextTurn)
  }

  #fail(reason: FrameFault | 'handler', cause?: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#waiting.length = 0
    this.#options.fault(reason, cause)
    this.#stream.abort(new Error(`bad frame: ${reason}`))
  }
}
