/** Enough for a steady median, few enough that the median follows a change within a minute at 5 blocks a second. */
export const LATENCIES_KEPT = 256

/** The value below which `share` (0 to 1) of the samples lie, nearest rank; undefined of none. */
export function quantile(samples: readonly number[], share: number): number | undefined {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}

/** The newest samples of one measure. */
export class Latencies {
  #newest: number[] = []

  add(samples: readonly number[]): void {
    this.#newest = [...this.#newest, ...samples].slice(-LATENCIES_KEPT)
  }

  median(): number | undefined {
    return quantile(this.#newest, 0.5)
  }
}
