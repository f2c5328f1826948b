import type { FrameClass, SendResult } from '@brume/ports'
import type { Stream } from '@libp2p/interface'
import type { Turn } from '../turn.ts'
import { FRAME_HEADER_BYTES, packFrames, WRITE_BYTES_MAX } from './frames.ts'

/** What one peer's queue of a class may hold (libp2p.md 4). */
export interface LaneLimits {
  readonly frames: number
  readonly bytes: number
}

const MEBIBYTE = 1_048_576

export const LANE_LIMITS: Record<FrameClass, LaneLimits> = {
  control: { frames: 1_024, bytes: MEBIBYTE },
  data: { frames: 512, bytes: MEBIBYTE },
  // By bytes only: blocks are large.
  bulk: { frames: Number.POSITIVE_INFINITY, bytes: MEBIBYTE }
}

export interface LaneOptions {
  readonly limits: LaneLimits
  readonly turn: Turn
  /** Frames given to the stream. */
  readonly sent: (frames: number) => void
}

/**
 * Frames on their way to one peer over one stream. What is queued in a turn leaves in one write, and
 * only while the stream takes more, so that the stream's own buffer stays below two writes; the rest
 * waits here, where it is bounded and counted.
 */
export class Lane {
  readonly #options: LaneOptions
  readonly #queue: Uint8Array[] = []
  #bytes = 0
  #stream: Stream | undefined
  readonly #flush = (): void => this.#write()
  readonly #drained = (): void => this.#options.turn.beforeLeaving(this.#flush)

  constructor(options: LaneOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#stream !== undefined
  }

  get stream(): Stream | undefined {
    return this.#stream
  }

  /** Bytes that wait here and in the stream. */
  get bytes(): number {
    return this.#bytes + (this.#stream?.writeBufferLength ?? 0)
  }

  /** Bytes that wait here alone. */
  get queuedBytes(): number {
    return this.#bytes
  }

  attach(stream: Stream): void {
    this.#stream = stream
    stream.addEventListener('drain', this.#drained)
  }

  /** Lets go of the stream and of what has not left: a frame belongs to one stream's order. */
  detach(): void {
    this.#stream?.removeEventListener('drain', this.#drained)
    this.#stream = undefined
    this.#queue.length = 0
    this.#bytes = 0
  }

  push(body: Uint8Array): SendResult {
    if (this.#stream === undefined) return 'unreachable'
    const size = body.length + FRAME_HEADER_BYTES
    if (this.#queue.length > 0 && !this.#fits(size)) return 'full'
    this.#queue.push(body)
    this.#bytes += size
    this.#options.turn.beforeLeaving(this.#flush)
    return 'queued'
  }

  #fits(size: number): boolean {
    const { frames, bytes } = this.#options.limits
    return this.#queue.length < frames && this.#bytes + size <= bytes
  }

  #write(): void {
    const stream = this.#stream
    while (stream !== undefined && this.#queue.length > 0 && takesMore(stream)) {
      const frames = this.#take()
      try {
        stream.send(packFrames(frames))
      } catch (cause) {
        stream.abort(cause instanceof Error ? cause : new Error(String(cause)))
        return
      }
      this.#options.sent(frames.length)
    }
  }

  /** The first frame, and as many more as fit one write. */
  #take(): Uint8Array[] {
    let size = 0
    let count = 0
    for (const body of this.#queue) {
      size += body.length + FRAME_HEADER_BYTES
      if (count > 0 && size > WRITE_BYTES_MAX) break
      count += 1
    }
    const frames = this.#queue.splice(0, count)
    for (const body of frames) this.#bytes -= body.length + FRAME_HEADER_BYTES
    return frames
  }
}

function takesMore(stream: Stream): boolean {
  return !stream.writableNeedsDrain && stream.writeBufferLength < WRITE_BYTES_MAX && stream.writeStatus === 'writable'
}
