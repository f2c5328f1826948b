/** Values handed from callbacks to one reader, in order, until an end or an error. */
export class Stream<T> {
  readonly #values: T[] = []
  #isEnded = false
  #error: Error | undefined
  #wake: () => void = () => undefined

  push(value: T): void {
    this.#values.push(value)
    this.#wake()
  }

  end(error?: Error): void {
    this.#isEnded = true
    this.#error = error
    this.#wake()
  }

  /** @param left - called when the reader is done, however it ends */
  async *iterate(left: () => void): AsyncGenerator<T> {
    try {
      for (;;) {
        for (let value = this.#values.shift(); value !== undefined; value = this.#values.shift()) yield value
        if (this.#error !== undefined) throw this.#error
        if (this.#isEnded) return
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      left()
    }
  }
}
