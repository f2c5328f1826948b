import { describe, expect, test } from 'vitest'
import { type Bar, judge, standingOf } from './bars.ts'
import { sampleResult } from './samples.ts'

const QUIET = { cores: 2, calibration: { hashesPerS: 1, verifiesPerS: 100 }, drift: 0, profile: 'loopback' } as const

describe('judge', () => {
  test('passes at the bar and fails above it', () => {
    expect(judge([sampleResult({ ratio: 1.3, ratioInterval: [1.28, 1.32] })], QUIET).verdict).toBe('pass')
    expect(judge([sampleResult({ ratio: 1.4, ratioInterval: [1.38, 1.42] })], QUIET).verdict).toBe('fail')
    const withJournal = { journal: true, ratio: 1.7, ratioInterval: [1.68, 1.72] } as const
    expect(judge([sampleResult(withJournal)], QUIET).verdict).toBe('pass')
  })

  test('says nothing of a machine that changed, of a wide interval, or of other sizes', () => {
    expect(judge([sampleResult()], { ...QUIET, drift: 0.2 }).verdict).toBe('inconclusive')
    expect(judge([sampleResult({ ratio: 9, ratioInterval: [6, 12] })], QUIET).verdict).toBe('inconclusive')
    expect(judge([sampleResult({ n: 7, processes: 7 })], QUIET).verdict).toBe('inconclusive')
    expect(judge([sampleResult({ processes: 1 })], QUIET).verdict).toBe('inconclusive')
    expect(judge([sampleResult({ binding: 'gossip' })], QUIET).verdict).toBe('inconclusive')
  })

  test('a late decision may be four times a common one', () => {
    const late = judge([sampleResult({ finalMs: { p50: 10, p99: 41 } })], QUIET)
    expect(late.reasons).toEqual(['final p99 / p50, n = 4 without journal is 4.10; the bar is 4.00'])
  })

  test('an attestation costs less than half as much again, and its group is no headline', () => {
    const attesting = sampleResult({ attests: true, ratio: 9, attestedMs: { p50: 14, p99: 20 } })
    const { verdict, bars } = judge([sampleResult(), attesting], QUIET)
    expect(verdict).toBe('pass')
    expect(bars.find(({ name }) => name.startsWith('attested'))).toMatchObject({ value: 1.4, held: true })
    const slow = { ...attesting, attestedMs: { p50: 15, p99: 20 } }
    expect(judge([sampleResult(), slow], QUIET).verdict).toBe('fail')
  })

  test('commands count against the signatures that the cores could check', () => {
    const barOf = (commandsPerS: number) =>
      judge([sampleResult({ commandsPerS })], QUIET).bars.find(({ name }) => name.startsWith('commands/s'))
    // Two cores for four members: half of 100 verifies a second, and half of those is asked for.
    expect(barOf(25)).toMatchObject({ value: 0.5, held: true })
    expect(barOf(24)).toMatchObject({ held: false })
  })

  test('streams are held against themselves without shortcuts, with the checks of signatures and beside them', () => {
    // 100 verifies a second: 10 ms each; five of them a view, one for its command.
    const streams = sampleResult({ n: 7, processes: 7, cpuMsPerViewMember: 56 })
    const plain = { ...streams, binding: 'plain' as const, cpuMsPerViewMember: 112, verifiesPerViewMember: 9 }
    const bars = judge([streams, plain], QUIET).bars.filter(({ name }) => name.includes('plain'))
    expect(bars.map(({ value, bar }) => [value, bar])).toEqual([
      [0.5, 0.5],
      [0.5, 0.6]
    ])
    expect(judge([streams], QUIET).bars.some(({ name }) => name.includes('plain'))).toBe(false)
  })

  test('of far members no bar is known', () => {
    expect(judge([sampleResult()], { ...QUIET, profile: 'wan80' })).toMatchObject({ verdict: 'inconclusive', bars: [] })
  })

  test('a bar within the interval of its value is held and missed by nobody', () => {
    const bar: Bar = { name: 'R', value: 1.2, bar: 1.3, sense: '<=', held: true, interval: [1.1, 1.25] }
    expect(standingOf(bar, 0)).toBe('pass')
    expect(standingOf({ ...bar, held: false, interval: null }, 0)).toBe('miss')
    expect(standingOf({ ...bar, interval: [1.1, 1.35] }, 0)).toBe('inconclusive')
    expect(standingOf(bar, 0.2)).toBe('inconclusive')
  })

  test('streams are held against gossip where both ran at 16', () => {
    const streams = sampleResult({ n: 16, processes: 16, cpuMsPerViewMember: 1, framesPerViewMember: 1 })
    const gossip = { ...streams, binding: 'gossip' as const, cpuMsPerViewMember: 4, framesPerViewMember: 7 }
    const bars = judge([streams, gossip], QUIET).bars.filter(({ name }) => name.includes('gossip'))
    expect(bars.map(({ held }) => held)).toEqual([false, true])
    expect(judge([streams], QUIET).bars.some(({ name }) => name.includes('gossip'))).toBe(false)
  })
})
