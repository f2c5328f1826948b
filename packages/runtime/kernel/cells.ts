import type { Cell } from './cell.ts'

/** Ended actors that are still shown; paths made per session would fill the memory otherwise. */
const ENDED_KEPT_MAX = 256

/** All actors in memory by path, in order of spawn. */
export class Cells {
  readonly #cells = new Map<string, Cell>()
  /** Oldest end first. */
  readonly #ended = new Set<Cell>()

  get(path: string): Cell | undefined {
    return this.#cells.get(path)
  }

  all(): Iterable<Cell> {
    return this.#cells.values()
  }

  /** Takes the place of an ended one. */
  add(cell: Cell): void {
    const before = this.#cells.get(cell.path)
    if (before !== undefined) this.remove(before)
    this.#cells.set(cell.path, cell)
    cell.above = this.#nearestAbove(cell.path)
    cell.above?.below.add(cell)
  }

  remove(cell: Cell): void {
    this.#ended.delete(cell)
    cell.above?.below.delete(cell)
    if (this.#cells.get(cell.path) === cell) this.#cells.delete(cell.path)
  }

  /** Keeps it for those who ask what became of it; the longest ended go. */
  ended(cell: Cell): void {
    this.#ended.delete(cell)
    this.#ended.add(cell)
    if (this.#ended.size <= ENDED_KEPT_MAX) return
    for (const oldest of this.#ended) return this.remove(oldest)
  }

  revived(cell: Cell): void {
    this.#ended.delete(cell)
  }

  #nearestAbove(path: string): Cell | null {
    for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
      const above = this.#cells.get(path.slice(0, cut))
      if (above?.isAlive) return above
    }
    return null
  }
}
