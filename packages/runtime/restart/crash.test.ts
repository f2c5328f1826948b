import { describe, expect, test } from 'vitest'
import { EVENTS, type Outcome, range, run } from './crash.ts'
import { POINTS, type Point } from './world.ts'

/** Runs with a kill or more each; every point has its share. */
const RUNS = 200

const sorted = (list: readonly number[] | undefined): number[] => (list ?? []).toSorted((x, y) => x - y)

function check({ lists, mails, emitted }: Outcome): void {
  const all = range(EVENTS)
  expect(lists.source?.went, 'acknowledged events, each once, in order').toEqual(all)
  expect(lists.sink?.added, 'sends to another peer, each once, in order').toEqual(all)
  expect(lists.source?.ponged, 'their answers').toEqual(all)
  expect(lists.mirror?.added, 'sends to an actor beside it').toEqual(all)
  expect(sorted(lists.source?.rang), 'timers, each once').toEqual(all)
  expect(sorted(lists.source?.looked), 'results of promises, each once').toEqual(all)
  const ids = new Map(mails.map(([id, k]) => [k, id]))
  expect(sorted([...ids.keys()]), 'custom actions, each at least once').toEqual(all)
  for (const [id, k] of mails) expect(id, 'each try has the same id').toBe(ids.get(k))
  for (const heard of [lists.ear?.heard ?? [], emitted]) {
    expect(new Set(heard).size, 'what is not repeated comes at most once').toBe(heard.length)
  }
}

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
