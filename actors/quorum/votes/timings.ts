import type { QuorumMeters } from '../meters.ts'
import { Samples } from '../meters.ts'

/** Blocks proposed here whose latency is still being measured. */
const TIMED_MAX = 64

/** How long blocks proposed here took to be notarized and to be final. */
export class Timings {
  readonly #meters: QuorumMeters
  readonly #label: { readonly group: string }
  readonly #started = new Map<string, number>()
  readonly #samples = { notarized: new Samples(), final: new Samples() }

  constructor(meters: QuorumMeters, label: { readonly group: string }) {
    this.#meters = meters
    this.#label = label
  }

  start(digest: string, nowMs: number): void {
    this.#started.set(digest, nowMs)
    if (this.#started.size <= TIMED_MAX) return
    for (const oldest of this.#started.keys().take(1)) this.#started.delete(oldest)
  }

  passed(digest: string, mark: 'notarized' | 'final', nowMs: number): void {
    const startMs = this.#started.get(digest)
    if (startMs === undefined) return
    this.#samples[mark].add(nowMs - startMs)
    this.#meters[mark === 'final' ? 'final' : 'notarize'].observe(this.#label, (nowMs - startMs) / 1_000)
    if (mark === 'final') this.#started.delete(digest)
  }

  medianMs(): { readonly notarizedP50: number | null; readonly finalP50: number | null } {
    return { notarizedP50: this.#samples.notarized.median(), finalP50: this.#samples.final.median() }
  }
}
