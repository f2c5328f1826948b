import { latenciesOf } from '../consensus/analyse.ts'
import type { BareReport, RecoveryReport, Stand } from '../consensus/plan.ts'
import { median } from '../harness/statistics.ts'

/** Hops of the bare exchange. */
const HOPS = 3

/** Hops of a recovery beside the leader's deadline of 2 Delta: nullifications, then a decision, with room. */
const HOPS_OF_RECOVERY = 6

/** One leader's death, ms; at the slowest survivor. */
export interface Recovery {
  readonly deltaMs: number
  /** The group's own Delta. */
  readonly patienceMs: number
  readonly finalMs: number
  readonly downMs: number
  /** `finalMs` over 2 Delta + 6 delta; `downMs` over 6 delta. */
  readonly ratio: number
  readonly downRatio: number
}

/** Null where some survivor never got that far. */
export function recoveryOf(
  reports: readonly RecoveryReport[],
  bare: readonly BareReport[],
  { deltaMs: patienceMs }: Stand
): Recovery | null {
  const deltaMs = median(latenciesOf(bare).finalMs) / HOPS
  const finals = reports.flatMap((report) => report.finalMs ?? [])
  const downs = reports.flatMap((report) => report.downMs ?? [])
  if (finals.length < reports.length || downs.length < reports.length) return null
  const [finalMs, downMs] = [Math.max(...finals), Math.max(...downs)]
  const hopsMs = HOPS_OF_RECOVERY * deltaMs
  return {
    ...{ deltaMs, patienceMs, finalMs, downMs },
    ratio: finalMs / (2 * patienceMs + hopsMs),
    downRatio: downMs / hopsMs
  }
}
