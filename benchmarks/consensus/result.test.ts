import { describe, expect, test } from 'vitest'
import type { Load, SliceLatencies } from './analyse.ts'
import type { Variant } from './plan.ts'
import { resultOf } from './result.ts'

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
  submitFinalMs: [1],
  submitAttestedMs: [3]
})

describe('resultOf', () => {
  const samples = {
    open: [slice(9), slice(9)],
    syncMs: [[1], [1]],
    voteSyncMs: [2],
    loopDelayMs: 0,
    rested: true,
    views: load,
    commands: load,
    saturated: slice(1)
  }
  const bare = { slices: [slice(6), slice(6)], loneMs: [0.5] }
  const ratioOf = (variant: Variant) => resultOf({ n: 4, processes: 4 }, variant, samples, bare, Math.random)

  test('without a journal R is final over the bare exchange', () => {
    const { ratio, ratioInterval, deltaMs, syncMs } = ratioOf({
      name: 'streams',
      binding: 'streams',
      journal: false,
      attests: false
    })
    expect({ ratio, ratioInterval, deltaMs, syncMs }).toEqual({
      ratio: 1.5,
      ratioInterval: [1.5, 1.5],
      deltaMs: 2,
      syncMs: 0
    })
  })

  test('with a journal three syncs are part of the floor', () => {
    const { ratio, syncMs } = ratioOf({ name: 'streams-journal', binding: 'streams', journal: true, attests: false })
    expect({ ratio, syncMs }).toEqual({ ratio: 1, syncMs: 1 })
  })

  test('attestations have a figure where they are made', () => {
    const variant = { name: 'streams-attest', binding: 'streams', journal: false } as const
    expect(ratioOf({ ...variant, attests: true }).attestedMs).toEqual({ p50: 3, p99: 3 })
    expect(ratioOf({ ...variant, attests: false }).attestedMs).toBeNull()
  })

  test('what was measured stays where no block became final under saturation', () => {
    const variant = { name: 'streams', binding: 'streams', journal: false, attests: false } as const
    const none = { ...samples, saturated: { ...slice(1), finalMs: [] } }
    const { ratio, saturatedFinalMs } = resultOf({ n: 64, processes: 1 }, variant, none, bare, Math.random)
    expect({ ratio, saturatedFinalMs }).toEqual({ ratio: 1.5, saturatedFinalMs: null })
  })
})
