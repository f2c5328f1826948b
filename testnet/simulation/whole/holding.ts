import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** A collection of everything takes some 50 ms: not at every look. */
const LOOKS_EACH = 4

/**
 * What this process of many groups holds but for their disks, with all else that belongs to the simulation: more than
 * the groups hold, and found out without asking them. It says nothing before `begin`.
 */
export class Holding {
  readonly #collect: () => void
  #beforeBytes: number | null = null
  #mostBytes = 0
  #looks = 0

  readonly #diskBytes: () => number

  constructor(diskBytes: () => number) {
    this.#diskBytes = diskBytes
    setFlagsFromString('--expose-gc')
    this.#collect = runInNewContext('gc') as () => void
  }

  get mostBytes(): number {
    return this.#mostBytes
  }

  begin(): void {
    this.#beforeBytes = this.#nowBytes()
  }

  look(): void {
    if (this.#beforeBytes === null || ++this.#looks % LOOKS_EACH > 0) return
    this.#mostBytes = Math.max(this.#mostBytes, this.#nowBytes() - this.#beforeBytes)
  }

  #nowBytes(): number {
    // The buffers of the first are freed beside it, and the second waits until they are.
    for (let times = 0; times < 2; times++) this.#collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers - this.#diskBytes()
  }
}
