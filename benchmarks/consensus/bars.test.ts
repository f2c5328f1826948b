import { describe, expect, test } from 'vitest'
import { judge } from './bars.ts'
import { sampleResult } from './samples.ts'

const QUIET = { cores: 2, calibration: { hashesPerS: 1, verifiesPerS: 100 }, drift: 0 }

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

  test('streams are held against gossip where both ran at 16', () => {
    const streams = sampleResult({ n: 16, processes: 16, cpuMsPerViewMember: 1, framesPerViewMember: 1 })
    const gossip = { ...streams, binding: 'gossip' as const, cpuMsPerViewMember: 4, framesPerViewMember: 7 }
    const bars = judge([streams, gossip], QUIET).bars.filter(({ name }) => name.includes('gossip'))
    expect(bars.map(({ held }) => held)).toEqual([false, true])
    expect(judge([streams], QUIET).bars.some(({ name }) => name.includes('gossip'))).toBe(false)
  })
})
