import type { PeerId } from '@brume/ports'
import type { Change } from './port.ts'

/** Whom this copy is to tell how far it is. */
export interface Owed {
  readonly to: PeerId
  readonly epoch: number
}

/** What one copy has its disk write, and who waits for it. */
export class Writes {
  readonly #write: (number: number, change: Change) => void
  #last = 0
  #open = 0
  #owed: Owed | null = null

  /** @param write - told of each, with its number */
  constructor(write: (number: number, change: Change) => void) {
    this.#write = write
  }

  get isWhole(): boolean {
    return this.#open === 0
  }

  add(change: Change): void {
    this.#last += 1
    this.#open += 1
    this.#write(this.#last, change)
  }

  /** One of them is on disk. */
  written(): void {
    this.#open -= 1
  }

  /** The last one to ask is answered for all before it. */
  owe(owed: Owed): void {
    this.#owed = owed
  }

  /** Who is to be answered now. */
  settled(): Owed | null {
    const owed = this.#owed
    this.#owed = null
    return owed
  }
}
