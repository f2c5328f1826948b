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

test('one that is missing is waited for two minutes of group time, by whomever the next is brought', () => {
  const { take } = taking()
  expect([take(10, 0), take(12, 11), take(12, 11, { nowMs: NOW + 59_000 }), take(11, 10)]).toEqual([
    ...[null, 'missing', 'missing', null]
  ])
  const later = (ms: number) => take(20, 15, { nowMs: NOW + ms })
  expect([take(12, 11), later(0), later(60_000), later(119_999), later(120_000)]).toEqual([
    ...[null, 'missing', 'missing', 'missing', null]
  ])
  expect([take(5, 4, { from: B }), take(4, 0, { from: B }), take(5, 4, { from: B })]).toEqual(['missing', null, null])
})

test('what did not come in time is taken late, each once', () => {
  const { take } = taking()
  take(10, 0)
  for (const ms of [0, 60_000, 120_000]) take(20, 15, { nowMs: NOW + ms })
  // 11, 12 and 15 were passed over; of 13 nobody says that it was sent.
  const nowMs = NOW + 3_600_000
  expect([15, 11, 15, 12, 11, 12, 10, 20].map((seq) => take(seq, seq === 15 ? 12 : seq - 1, { nowMs }))).toEqual([
    ...[null, null, 'duplicate', null, 'duplicate', 'duplicate', 'duplicate', 'duplicate']
  ])
  expect(take(13, 12, { nowMs })).toBe('duplicate')
  expect(take(21, 20, { nowMs })).toBe(null)
})

test('while nothing came nobody waited: the ones before have their two minutes after that', () => {
  const { take } = taking()
  expect([take(10, 0), take(12, 11), take(12, 11, { nowMs: NOW + 600_000 })]).toEqual([null, 'missing', 'missing'])
  expect([take(11, 10, { nowMs: NOW + 630_000 }), take(12, 11, { nowMs: NOW + 630_000 })]).toEqual([null, null])
})

test('where a sender has forgotten what it sent before, that is taken when it comes', () => {
  const { take } = taking()
  expect([take(10, 0), take(30, 0), take(20, 10), take(20, 10), take(5, 0)]).toEqual([
    ...[null, null, null, 'duplicate', null]
  ])
})

test('a gap too many is given up, and whoever brings what lay in it is told', () => {
  const { take } = taking()
  for (let seq = 2; seq <= 40; seq += 2) expect(take(seq, 0)).toBe(null)
  expect([6, 7, 8, 9, 39].map((seq) => take(seq, seq - 1))).toEqual(['forgotten', 'forgotten', 'duplicate', null, null])
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
