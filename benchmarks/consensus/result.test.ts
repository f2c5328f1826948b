import { describe, expect, test } from 'vitest'
import type { Load, SliceLatencies } from './analyse.ts'
import type { Variant } from './plan.ts'
import { judge, resultOf } from './result.ts'
import { sampleResult } from './samples.ts'

const load: Load = {
  commandsPerS: 1,
  viewsPerS: 1,
  cpuMsPerViewMember: 1,
  bytesPerViewMember: 1,
  framesPerViewMember: 1,
  verifiesPerViewMember: 1,
  nullified: 0,
  refused: 0
}
const slice = (finalMs: number): SliceLatencies => ({
  notarizedMs: [1],
  finalMs: [finalMs, finalMs],
  submitFinalMs: [1]
})

describe('resultOf', () => {
  const samples = {
    open: [slice(9), slice(9)],
    syncMs: [[1], [1]],
    voteSyncMs: [2],
    loopDelayMs: 0,
    views: load,
    commands: load,
    saturated: slice(1)
  }
  const bare = { slices: [slice(6), slice(6)], loneMs: [0.5] }
  const ratioOf = (variant: Variant) => resultOf(4, variant, samples, bare, Math.random)

  test('without a journal R is final over the bare exchange', () => {
    const { ratio, ratioInterval, deltaMs, syncMs } = ratioOf({ name: 'streams', binding: 'streams', journal: false })
    expect({ ratio, ratioInterval, deltaMs, syncMs }).toEqual({
      ratio: 1.5,
      ratioInterval: [1.5, 1.5],
      deltaMs: 2,
      syncMs: 0
    })
  })

  test('with a journal three syncs are part of the floor', () => {
    const { ratio, syncMs } = ratioOf({ name: 'streams-journal', binding: 'streams', journal: true })
    expect({ ratio, syncMs }).toEqual({ ratio: 1, syncMs: 1 })
  })
})

describe('judge', () => {
  test('passes at the bar and fails above it', () => {
    expect(judge([sampleResult({ ratio: 1.5, ratioInterval: [1.48, 1.52] })], 0).verdict).toBe('pass')
    expect(judge([sampleResult({ ratio: 1.6, ratioInterval: [1.58, 1.62] })], 0).verdict).toBe('fail')
    expect(judge([sampleResult({ journal: true, ratio: 1.9, ratioInterval: [1.88, 1.92] })], 0).verdict).toBe('pass')
  })

  test('says nothing of a machine that changed, of a wide interval, or of other sizes', () => {
    expect(judge([sampleResult()], 0.2).verdict).toBe('inconclusive')
    expect(judge([sampleResult({ ratio: 9, ratioInterval: [6, 12] })], 0).verdict).toBe('inconclusive')
    expect(judge([sampleResult({ n: 7 })], 0).verdict).toBe('inconclusive')
    expect(judge([sampleResult({ binding: 'gossip' })], 0).verdict).toBe('inconclusive')
  })
})
