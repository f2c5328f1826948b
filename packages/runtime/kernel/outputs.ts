interface Held {
  readonly batch: number
  readonly run: () => void
}

/**
 * The output rule: nothing leaves before the batch that it depends on is on disk. What depends on no batch, or on
 * a confirmed one, goes at once. Outputs of one actor keep their order, because its batch never falls.
 */
export class Outputs {
  /** Runs a callback; its throw is its own fault and must not become anyone else's. */
  readonly guarded: (run: () => void) => void
  #held: Held[] = []
  #confirmed = 0

  constructor(guarded: (run: () => void) => void) {
    this.guarded = guarded
  }

  get waiting(): number {
    return this.#held.length
  }

  /** True where what depends on this batch may leave now. */
  isFree(batch: number): boolean {
    return batch <= this.#confirmed
  }

  release(batch: number, run: () => void): void {
    if (batch <= this.#confirmed) this.guarded(run)
    else this.#held.push({ batch, run })
  }

  confirmed(batch: number): void {
    if (batch <= this.#confirmed) return
    this.#confirmed = batch
    const held = this.#held
    this.#held = held.filter((output) => output.batch > batch)
    for (const output of held) if (output.batch <= batch) this.guarded(output.run)
  }

  /** What has not left never will. */
  stop(): void {
    this.#held = []
  }
}
