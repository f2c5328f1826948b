/** Taken slots at the front before they are given back. */
const SLACK = 256

/** First in, first out, and readable anywhere: `shift` takes constant time on average. */
export class Queue<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  /** Undefined outside 0..length-1. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head += 1
    if (this.#head === this.#items.length) this.clear()
    else if (this.#head > SLACK && 2 * this.#head > this.#items.length) this.#compact()
    return item
  }

  /** Takes one out of the middle: time proportional to what is behind it. */
  removeAt(index: number): T | undefined {
    if (index === 0) return this.shift()
    return this.#items.splice(this.#head + index, 1)[0]
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let index = this.#head; index < this.#items.length; index += 1) yield this.#items[index] as T
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }
}
