import type { Control } from './controls.ts'
import { encodeFrame } from './frames.ts'
import { CONTROL_BYTES_MAX } from './limits.ts'
import { Queue } from './queue.ts'

/** A history goes on below this: some pieces are under way, and answers to others have room. */
const ROOM_BYTES = CONTROL_BYTES_MAX / 2

/**
 * What must arrive although streams break: numbered, in order, kept until acknowledged, and sent again on the next
 * stream. The bodies are encoded when they are queued.
 */
export class ControlLane {
  readonly #bodies = new Queue<Uint8Array>()
  /** Number of the first body kept. */
  #first = 1
  #sent = 0
  #bytes = 0
  #waiting: (() => void)[] = []

  /** Of all that is kept. */
  get bytes(): number {
    return this.#bytes
  }

  get isIdle(): boolean {
    return this.#sent === this.#bodies.length
  }

  get isEmpty(): boolean {
    return this.#bodies.length === 0
  }

  push(control: Control): void {
    const body = encodeFrame({ type: 'control', number: this.#first + this.#bodies.length, control })
    this.#bodies.push(body)
    this.#bytes += body.length
  }

  /** Resolves when so little waits that more may be given: at once, or when it was acknowledged or is not wanted any more. */
  room(): Promise<void> {
    if (this.#bytes <= ROOM_BYTES) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** The next body that this stream has not carried. */
  take(): Uint8Array | undefined {
    const body = this.#bodies.at(this.#sent)
    if (body !== undefined) this.#sent += 1
    return body
  }

  /** The other side has all up to this number; false where it was never sent so many. */
  acked(number: number): boolean {
    if (number >= this.#first + this.#sent) return false
    while (this.#first <= number) {
      this.#bytes -= this.#bodies.shift()?.length ?? 0
      this.#first += 1
      this.#sent -= 1
    }
    if (this.#bytes <= ROOM_BYTES) this.#wake()
    return true
  }

  /** A new stream: what was not acknowledged is sent again. */
  rewind(): void {
    this.#sent = 0
  }

  /** A new memory on the other side: numbers begin at 1. */
  clear(): void {
    this.#bodies.clear()
    this.#first = 1
    this.#sent = 0
    this.#bytes = 0
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
