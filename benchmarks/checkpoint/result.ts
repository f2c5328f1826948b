import type { LoopFigures, QuorumReport, Saved, StateShape } from '../consensus/plan.ts'
import { median } from '../harness/statistics.ts'

/** quorum.md 16.2: a member's event loop is never late for long while it keeps 16 MiB. */
export const BAR_MS = 20

/** testing.md 9: more than this and nothing was shown. */
const DRIFT_MAX = 0.15

export type Verdict = 'pass' | 'fail' | 'inconclusive'

/** What the members saw of one slice. */
export interface Seen {
  readonly reports: readonly QuorumReport[]
  /** Of the first member, within the slice. */
  readonly saved: Saved
}

/** One state, with checkpoints of it one after the other and without. */
export interface CheckpointResult extends Pick<StateShape, 'leaves' | 'leafBytes' | 'checkpointBlocks'> {
  /** Taken in all slices, at the first member, and the share of their time in which one was on its way to its disk. */
  readonly checkpoints: number
  readonly savingShare: number
  /** Commands that were final, at the member that knew the fewest. */
  readonly commands: number
  /** At the worst member, ms: medians of the slices; `max` is of all of them. */
  readonly withMs: LoopFigures
  readonly withoutMs: LoopFigures
}

export function resultOf(shape: StateShape, taking: readonly Seen[], resting: readonly Seen[]): CheckpointResult {
  const { leaves, leafBytes, checkpointBlocks } = shape
  const sum = (of: (seen: Seen) => number): number => taking.reduce((total, seen) => total + of(seen), 0)
  const windowMs = sum(({ reports }) => reports[0]?.windowMs ?? 0)
  return {
    ...{ leaves, leafBytes, checkpointBlocks },
    checkpoints: sum(({ saved }) => saved.checkpoints),
    savingShare: sum(({ saved }) => saved.savingMs) / windowMs,
    commands: sum(({ reports }) => Math.min(...reports.map(({ commands }) => commands))),
    withMs: worstOf(taking),
    withoutMs: worstOf(resting)
  }
}

/**
 * A machine that is late without any checkpoint shows nothing, nor does one whose speed changed, nor a run in which
 * hardly ever one was taken.
 */
export function verdictOf(results: readonly CheckpointResult[], drift: number): Verdict {
  const shown = results.every(({ withoutMs, checkpoints }) => withoutMs.p99 < BAR_MS && checkpoints > 0)
  if (results.every(({ withMs, checkpoints }) => withMs.p99 < BAR_MS && checkpoints > 0)) return 'pass'
  return shown && drift <= DRIFT_MAX ? 'fail' : 'inconclusive'
}

function worstOf(slices: readonly Seen[]): LoopFigures {
  const members = slices[0]?.reports.length ?? 0
  const worst = (figure: 'p50' | 'p99'): number =>
    Math.max(...Array.from({ length: members }, (_, i) => median(slices.map(({ reports }) => at(reports, i, figure)))))
  const max = Math.max(...slices.flatMap(({ reports }) => reports.map(({ loop }) => loop.max)))
  return { p50: worst('p50'), p99: worst('p99'), max }
}

const at = (reports: readonly QuorumReport[], member: number, figure: 'p50' | 'p99'): number =>
  reports[member]?.loop[figure] ?? Number.POSITIVE_INFINITY
