import { expect, test } from 'vitest'
import { decisionMsOf, paceOf } from './pace.ts'

test('up to sixteen members in processes of their own get ten commands a second on two cores', () => {
  for (const members of [4, 7, 10, 16])
    expect(paceOf(members, members, 2)).toMatchObject({
      ...{ ratePerS: 10, sliceMs: 1_000, forCommands: 512, forViews: members }
    })
})

test('a house that takes a second for a decision has no saturated slices', () => {
  expect([4, 16].map((members) => paceOf(members, members, 2).isSaturable)).toEqual([true, true])
  expect([32, 64, 100].map((members) => paceOf(members, 1, 2).isSaturable)).toEqual([true, false, false])
})

test('many members get commands no faster than they can decide, and time for several in each slice', () => {
  for (const members of [31, 64, 100]) {
    const { ratePerS, sliceMs, warmRatePerS, closedMinMs, forViews, forCommands } = paceOf(members, 1, 2)
    const decisionMs = decisionMsOf(members, 1, 2)
    expect(ratePerS * decisionMs).toBeLessThanOrEqual(500)
    expect(warmRatePerS * decisionMs).toBeLessThanOrEqual(1_000)
    expect((sliceMs / 1_000) * ratePerS).toBeCloseTo(4)
    expect(closedMinMs).toBeGreaterThanOrEqual(4 * decisionMs)
    expect(forViews).toBeLessThan(members)
    expect(forCommands).toBeGreaterThan(forViews)
  }
})
