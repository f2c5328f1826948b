import { deltaOf } from '@brume/consensus'
import type { CoreOptions } from './contract.ts'

const MEASURE_EVERY_MS = 1_000

/** Delta as links and disk show it: to the slowest member that a quorum needs, at most once a second. */
export class Gauge {
  readonly #options: CoreOptions
  #measuredMs = Number.NEGATIVE_INFINITY

  constructor(options: CoreOptions) {
    this.#options = options
  }

  /** Undefined where nothing is to be measured now. */
  deltaMs(nowMs: number, linked: ReadonlySet<number>, syncP95Ms: () => number): number | undefined {
    const { measuresDelta, committee } = this.#options
    if (!measuresDelta || nowMs - this.#measuredMs < MEASURE_EVERY_MS) return undefined
    let weight = 0
    for (const entry of this.#delays(linked)) {
      weight += entry.weight
      if (weight < committee.quorum) continue
      this.#measuredMs = nowMs
      return deltaOf(entry.delay, syncP95Ms())
    }
    return undefined
  }

  /** Of members that are there, itself among them, nearest first. */
  #delays(linked: ReadonlySet<number>): readonly { readonly weight: number; readonly delay: number }[] {
    const { committee, memberOf, member, delayMs } = this.#options
    return committee.members
      .map(({ weight }, index) => {
        const process = memberOf.indexOf(index)
        return { weight, delay: index === member ? 0 : linked.has(process) ? delayMs(process) : undefined }
      })
      .filter((entry): entry is { weight: number; delay: number } => entry.delay !== undefined)
      .sort((a, b) => a.delay - b.delay)
  }
}
