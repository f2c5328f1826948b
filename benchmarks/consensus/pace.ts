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
/** A command at one member: it is sent, received and checked. 512 took 27 s where 64 members lived in one process. */
const COMMAND_MS = 0.65
/** One command waiting at each member, unless all of them would cost this much. */
const VIEWS_FILL_MS = 150
/** The same load for every n, blocks of 150 with three in flight, unless all would cost this much. */
const COMMANDS_WAITING = 512
const COMMANDS_FILL_MS = 4_000

/** A group that takes longer for one decision is saturated by few commands, and a full pool outlasts every slice: 64 in a process. */
const SATURABLE_MS = 1_000

/** How fast, and in pieces of what length: few members take what the bars are told of, many what the cores can do. */
export interface Pace {
  readonly ratePerS: number
  readonly warmRatePerS: number
  readonly sliceMs: number
  readonly closedMinMs: number
  /** Slices of their own saturate it; else what a view costs is taken from the open loop. */
  readonly isSaturable: boolean
  /** Commands that wait in all, where a view is to take what is there, and the next to begin at once. */
  readonly forViews: number
  /** Commands that wait in all, for full blocks. */
  readonly forCommands: number
}

/** About so much time goes by while all members work on one decision. */
export function decisionMsOf(members: number, processes: number, cores: number = availableParallelism()): number {
  return (PAIR_MS * members * members) / Math.min(processes, cores)
}

export function paceOf(members: number, processes: number, cores: number = availableParallelism()): Pace {
  const decisionMs = decisionMsOf(members, processes, cores)
  const commandMs = (COMMAND_MS * members) / Math.min(processes, cores)
  const forCommands = Math.min(COMMANDS_WAITING, Math.ceil(COMMANDS_FILL_MS / commandMs))
  const ratePerS = Math.min(OPEN_RATE_PER_S, (SHARE * 1_000) / decisionMs)
  return {
    ratePerS,
    warmRatePerS: Math.min(WARM_RATE_PER_S, 1_000 / decisionMs),
    sliceMs: Math.max(SLICE_MS, (SLICE_DECISIONS * 1_000) / ratePerS),
    closedMinMs: CLOSED_DECISIONS * decisionMs + forCommands * commandMs,
    isSaturable: decisionMs <= SATURABLE_MS,
    forViews: Math.min(members, Math.ceil(VIEWS_FILL_MS / commandMs)),
    forCommands
  }
}
