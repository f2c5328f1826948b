import { expect } from 'vitest'
import { EVENTS, type Outcome, range } from './crash.ts'

const sorted = (list: readonly number[] | undefined): number[] => (list ?? []).toSorted((x, y) => x - y)

/** What is promised of a run. Throws for what it finds broken. */
export function check({ lists, mails, emitted }: Outcome): void {
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
