import type { Block } from '../ports.ts'

/** Final blocks that wait in memory for their turn; the others are read from the ledger when it comes. */
const WAITING_MAX = 64

/** Blocks handed to the program beyond the last one it has executed. */
const HANDED_MAX = 64

/** Which block the program gets next: each height once, in order, and not too many at a time. */
export class Window {
  /** The last height the program has executed, and the last it was given. */
  executed = 0
  handed = 0
  /** The last height that is final here. */
  final = 0
  #waiting: Block[] = []
  readonly #given = new Map<number, Block>()

  /** Everything starts after this height. */
  reset(height: number): void {
    this.executed = height
    this.handed = height
    this.final = Math.max(this.final, height)
    this.#waiting = []
    this.#given.clear()
  }

  /** A block that is final, or read again: kept where it is the next of those that wait. */
  add(block: Block): void {
    this.final = Math.max(this.final, block.height)
    if (block.height === this.#nextWanted && this.#waiting.length < WAITING_MAX) this.#waiting.push(block)
  }

  get #nextWanted(): number {
    return this.handed + this.#waiting.length + 1
  }

  /** Blocks are final that are not here: they lie in the ledger. */
  get isStarved(): boolean {
    return this.#waiting.length === 0 && this.handed < this.final && this.handed - this.executed < HANDED_MAX
  }

  get isFull(): boolean {
    return this.#waiting.length >= WAITING_MAX
  }

  /** The next block for the program; undefined where it must execute first, or has all. */
  next(): Block | undefined {
    if (this.handed - this.executed >= HANDED_MAX) return undefined
    const block = this.#waiting.shift()
    if (block === undefined) return undefined
    this.handed = block.height
    this.#given.set(block.height, block)
    return block
  }

  /** The program has executed the next height; undefined if that is not what it was given. */
  done(height: number, digest: string): Block | undefined {
    const block = this.#given.get(height)
    if (height !== this.executed + 1 || block?.digest !== digest) return undefined
    this.#given.delete(height)
    this.executed = height
    return block
  }

  /** Final blocks with commands that wait for the program, as far as they are in memory. */
  get backlog(): number {
    const all = [...this.#given.values(), ...this.#waiting]
    return all.filter(({ commands }) => commands.length > 0).length
  }
}
