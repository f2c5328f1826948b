import { describe, expect, test } from 'vitest'
import { check } from './testing/check.ts'
import { range, run } from './testing/crash.ts'
import { POINTS, type Point } from './testing/world.ts'

/** Runs with a kill or more each; every point has its share. */
const RUNS = 200

describe('killed at any point', () => {
  const hits = new Map<Point, number>()
  let kills = 0
  const PER_CASE = 25
  test.each(range(RUNS / PER_CASE))(
    'no acknowledged event is lost, and nothing is processed twice: part %i',
    async (part) => {
      for (const n of range(PER_CASE)) {
        const seed = part * PER_CASE + n
        const outcome = await run(seed)
        try {
          check(outcome)
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error })
        }
        kills += outcome.kills
        for (const [point, times] of outcome.hits) hits.set(point, (hits.get(point) ?? 0) + times)
      }
    },
    120_000
  )

  test('at each of the points', () => {
    for (const point of POINTS) expect(hits.get(point) ?? 0, point).toBeGreaterThan(20)
    expect(kills).toBeGreaterThan(RUNS)
  })
})
