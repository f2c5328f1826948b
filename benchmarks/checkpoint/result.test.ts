import { expect, test } from 'vitest'
import type { LoopFigures, QuorumReport } from '../consensus/plan.ts'
import { type CheckpointResult, resultOf, type Seen, verdictOf } from './result.ts'

const SHAPE = { leaves: 64, leafBytes: 256, leavesPerCommand: 1, checkpointBlocks: 16 }

const seen = (loops: readonly LoopFigures[], checkpoints = 2): Seen => ({
  reports: loops.map((loop, i) => ({ loop, commands: 10 + i, windowMs: 1_000 }) as QuorumReport),
  saved: { checkpoints, savingMs: 250 }
})

const loop = (p99: number): LoopFigures => ({ p50: p99 / 10, p99, max: 2 * p99 })

test('the worst member counts, by the median of its slices, and the latest turn of all', () => {
  const taking = [seen([loop(5), loop(10)]), seen([loop(5), loop(12)]), seen([loop(90), loop(11)])]
  const result = resultOf(SHAPE, taking, [seen([loop(1), loop(2)])])
  expect(result.withMs).toEqual({ p50: 1.1, p99: 11, max: 180 })
  expect(result.withoutMs).toEqual({ p50: 0.2, p99: 2, max: 4 })
  expect(result).toMatchObject({ checkpoints: 6, savingShare: 0.25, commands: 30, leafBytes: 256 })
})

test.each([
  ['pass', 19, 1, 1, 0],
  // What a noisy machine held would have been held by a quiet one.
  ['pass', 19, 1, 1, 0.5],
  ['fail', 20, 1, 1, 0],
  ['inconclusive', 20, 1, 1, 0.5],
  ['inconclusive', 20, 20, 1, 0],
  ['inconclusive', 1, 1, 0, 0]
] as const)(
  '%s: p99 of %d ms with and %d without, %d checkpoints, drift %d',
  (verdict, taking, resting, count, drift) => {
    const result = { withMs: loop(taking), withoutMs: loop(resting), checkpoints: count } as CheckpointResult
    expect(verdictOf([result], drift)).toBe(verdict)
  }
)
