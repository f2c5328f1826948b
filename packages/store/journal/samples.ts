/** The last few hundred measurements; the quantile is sorted out when asked for, a few times a second at most. */
export class Samples {
  readonly #values: Float64Array
  #count = 0

  constructor(capacity: number) {
    this.#values = new Float64Array(capacity)
  }

  add(value: number): void {
    this.#values[this.#count % this.#values.length] = value
    this.#count += 1
  }

  /** `share` in 0..1; 0 before the first value. */
  quantile(share: number): number {
    const sorted = this.#values.slice(0, Math.min(this.#count, this.#values.length)).sort()
    return sorted[Math.ceil(sorted.length * share) - 1] ?? 0
  }
}
