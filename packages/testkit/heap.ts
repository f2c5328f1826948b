/** A binary heap: the entry that `before` all others first, in O(log n). */
export class Heap<T> {
  readonly #entries: T[] = []
  readonly #before: (a: T, b: T) => boolean

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#entries.length
  }

  peek(): T | undefined {
    return this.#entries[0]
  }

  push(entry: T): void {
    const entries = this.#entries
    let at = entries.push(entry) - 1
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = entries[up]
      if (parent === undefined || !this.#before(entry, parent)) break
      entries[at] = parent
      at = up
    }
    entries[at] = entry
  }

  pop(): T | undefined {
    const first = this.#entries[0]
    const last = this.#entries.pop()
    if (last !== undefined && this.#entries.length > 0) this.#sink(last)
    return first
  }

  #sink(entry: T): void {
    const entries = this.#entries
    let at = 0
    for (;;) {
      const down = this.#lesserChild(at)
      const child = entries[down]
      if (child === undefined || !this.#before(child, entry)) break
      entries[at] = child
      at = down
    }
    entries[at] = entry
  }

  #lesserChild(at: number): number {
    const [left, right] = [this.#entries[2 * at + 1], this.#entries[2 * at + 2]]
    if (left === undefined || right === undefined) return 2 * at + 1
    return this.#before(right, left) ? 2 * at + 2 : 2 * at + 1
  }
}
