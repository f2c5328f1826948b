import { latenciesOf } from '../consensus/analyse.ts'
import type { BareReport, RecoveryReport, Stand } from '../consensus/plan.ts'
import { median } from '../harness/statistics.ts'

/** Hops of the bare exchange. */
const HOPS = 3

/** Hops of a recovery beside the leader's deadline of 2 Delta: nullifications, then a decision, with room. */
const HOPS_OF_RECOVERY = 6

/** One leader's death and what its turns cost later, ms; at the slowest survivor. */
export interface Recovery {
  readonly deltaMs: number
  /** The group's own Delta. */
  readonly patienceMs: number
  readonly finalMs: number
  readonly downMs: number
  /** The same in the slowest of as many later views as there are members: one of them would have been the dead one's. */
  readonly knownMs: number
  /** `finalMs` over 2 Delta + 6 delta; `downMs` and `knownMs` over 6 delta. */
  readonly ratio: number
  readonly downRatio: number
  readonly knownRatio: number
}

/**
 * Null where some survivor never got that far.
 *
 * @param reports - of the leader's death
 * @param known - of later turns, when it has been down for more than 2 s
 */
export function recoveryOf(
  reports: readonly RecoveryReport[],
  known: readonly RecoveryReport[],
  bare: readonly BareReport[],
  { deltaMs: patienceMs }: Stand
): Recovery | null {
  const deltaMs = median(latenciesOf(bare).finalMs) / HOPS
  const finalMs = slowest(reports.map((report) => report.finalMs))
  const downMs = slowest(reports.map((report) => report.downMs))
  const knownMs = slowest(known.map((report) => report.finalMs))
  if (finalMs === null || downMs === null || knownMs === null) return null
  const hopsMs = HOPS_OF_RECOVERY * deltaMs
  return {
    ...{ deltaMs, patienceMs, finalMs, downMs, knownMs },
    ratio: finalMs / (2 * patienceMs + hopsMs),
    downRatio: downMs / hopsMs,
    knownRatio: knownMs / hopsMs
  }
}

function slowest(times: readonly (number | null)[]): number | null {
  return times.includes(null) ? null : Math.max(...times.map((ms) => ms ?? 0))
}
