import { expect, test } from 'vitest'
import { receive, type Sources } from './sources.ts'

const DAY_MS = 86_400_000
const [A, B] = ['brume://group/a/x', 'brume://group/b/x']
const NOW = 1_700_000_000_000

/** What a group takes, send by send. */
function taking() {
  let sources: Sources = new Map()
  const take = (seq: number, prev: number, { from = A, timeMs = NOW, nowMs = NOW } = {}) => {
    const taken = receive(sources, { from, seq, prev, timeMs, event: null }, nowMs)
    sources = taken.sources
    return taken.unreceived
  }
  return { take, size: () => sources.size }
}

test('each send is taken once, of each group in order', () => {
  const { take } = taking()
  expect([take(10, 0), take(10, 0), take(12, 10), take(11, 10), take(3, 0, { from: B })]).toEqual([
    ...[null, 'duplicate', null, 'duplicate', null]
  ])
})

test('one that is missing is waited for a minute of group time, by whomever the next is brought', () => {
  const { take } = taking()
  expect([take(10, 0), take(12, 11), take(12, 11, { nowMs: NOW + 59_000 }), take(11, 10)]).toEqual([
    ...[null, 'missing', 'missing', null]
  ])
  expect([take(12, 11), take(20, 15), take(20, 15, { nowMs: NOW + 60_000 }), take(15, 12)]).toEqual([
    ...[null, 'missing', null, 'duplicate']
  ])
  expect([take(5, 4, { from: B }), take(4, 0, { from: B }), take(5, 4, { from: B })]).toEqual(['missing', null, null])
})

test('what is forgotten of a group is too old to be taken again', () => {
  const { take, size } = taking()
  take(10, 0)
  const later = NOW + DAY_MS + 1
  expect(take(10, 0, { nowMs: later })).toBe('expired')
  expect(take(1, 0, { from: B, timeMs: later, nowMs: later })).toBe(null)
  expect(size()).toBe(1)
  expect(take(2, 1, { from: B, timeMs: later + 61_000, nowMs: later })).toBe('early')
})

test('groups that come by the hundreds push out nobody', () => {
  const { take, size } = taking()
  take(10, 0)
  const crowd = Array.from({ length: 600 }, (_, i) => take(1, 0, { from: `brume://group/${i}/x` }))
  expect([size(), crowd.filter((one) => one === 'crowded').length]).toEqual([512, 89])
  expect([take(10, 0), take(11, 10)]).toEqual(['duplicate', null])
})
