import { availableParallelism } from 'node:os'

/** quorum.md 16.2, which measured 0.36 ms x n at a member of the pattern that checks every vote. */
const PAIR_MS = 0.36
/** Of the cores' time, so that a decision is measured and not the queue before it. */
const SHARE = 0.5
/** quorum.md 16.2 */
const OPEN_RATE_PER_S = 10
/** Warms the bare exchange's code up as the closed loop does the quorum's. */
const WARM_RATE_PER_S = 200
/** Short, so that a burst of somebody else's work meets all that take turns; ten commands. */
const SLICE_MS = 1_000
const SLICE_DECISIONS = 4
const CLOSED_DECISIONS = 6

/** How fast, and in pieces of what length: few members take what the bars are told of, many what the cores can do. */
export interface Pace {
  readonly ratePerS: number
  readonly warmRatePerS: number
  readonly sliceMs: number
  readonly closedMinMs: number
}

/** About so much time goes by while all members work on one decision. */
export function decisionMsOf(members: number, processes: number, cores: number = availableParallelism()): number {
  return (PAIR_MS * members * members) / Math.min(processes, cores)
}

export function paceOf(members: number, processes: number, cores?: number): Pace {
  const decisionMs = decisionMsOf(members, processes, cores)
  const ratePerS = Math.min(OPEN_RATE_PER_S, (SHARE * 1_000) / decisionMs)
  return {
    ratePerS,
    warmRatePerS: Math.min(WARM_RATE_PER_S, 1_000 / decisionMs),
    sliceMs: Math.max(SLICE_MS, (SLICE_DECISIONS * 1_000) / ratePerS),
    closedMinMs: CLOSED_DECISIONS * decisionMs
  }
}
