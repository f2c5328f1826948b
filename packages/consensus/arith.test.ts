import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { faultWeight, quorumWeight } from './arith.ts'
import { createCommittee, leaderOf, weightOf } from './committee.ts'

const bytes32 = (byte: number) => new Uint8Array(32).fill(byte)

function committeeOf(weights: readonly number[]) {
  const members = weights.map((weight, i) => ({
    key: Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? i : 1)),
    weight
  }))
  return createCommittee({ groupId: bytes32(1), epoch: 0, hash: bytes32(2), seed: bytes32(3), members })
}

test('for every total weight: two quorums overlap in more than F, and the honest reach one', () => {
  for (let total = 1; total <= 10_000; total++) {
    const faults = faultWeight(total)
    const quorum = quorumWeight(total)
    expect(3 * faults).toBeLessThan(total)
    expect(3 * (faults + 1)).toBeGreaterThanOrEqual(total)
    expect(2 * quorum - total).toBeGreaterThan(faults)
    expect(total - faults).toBeGreaterThanOrEqual(quorum)
    expect(quorum).toBe(Math.floor((2 * total) / 3) + 1)
  }
})

test('all pairs of quorums of all weight vectors up to six members of weight six share an honest member', () => {
  const bad: string[] = []
  for (let n = 1; n <= 6; n++) {
    for (let code = 0; code < 6 ** n; code++) {
      const weights = Array.from({ length: n }, (_, i) => 1 + (Math.floor(code / 6 ** i) % 6))
      if (!everyPairOverlaps(weights)) bad.push(weights.join(' '))
    }
  }
  expect(bad).toEqual([])
})

/** Sums of all subsets as bit masks: the common members of two quorums are the bits they share. */
function everyPairOverlaps(weights: readonly number[]): boolean {
  const sums = [0]
  for (const weight of weights) sums.push(...sums.map((sum) => sum + weight))
  const total = sums.at(-1) ?? 0
  const [faults, quorum] = [faultWeight(total), quorumWeight(total)]
  const quorums = sums.flatMap((sum, mask) => (sum >= quorum ? [mask] : []))
  return quorums.every((a) => quorums.every((b) => (sums[a & b] ?? 0) > faults))
}

test('weight counts each signer once and nobody from outside', () => {
  const committee = committeeOf([3, 4, 5])
  expect(weightOf(committee, [0, 2, 2, 0, 7])).toBe(8)
})

describe('leaders', () => {
  test('in one period each member leads as often as it weighs', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 }), (weights) => {
        const committee = committeeOf(weights)
        const period = committee.leaders.length
        const times = weights.map((_, i) => committee.leaders.filter((leader) => leader === i).length)
        expect(times.map((count, i) => count * committee.total === period * (weights[i] ?? 0)).every(Boolean)).toBe(
          true
        )
        expect(leaderOf(committee, 1)).toBe(leaderOf(committee, 1 + period))
      })
    )
  })

  test('equal members lead once each before any leads again', () => {
    for (let n = 1; n <= 100; n++) {
      const { leaders } = committeeOf(Array.from({ length: n }, () => 7))
      expect(new Set(leaders).size).toBe(n)
      expect(leaders.length).toBe(n)
    }
  })
})

test('a committee refuses what is none', () => {
  expect(() => committeeOf([])).toThrow(expect.objectContaining({ code: 'BRUME_QUORUM_COMMITTEE' }))
  expect(() => committeeOf(Array.from({ length: 101 }, () => 1))).toThrow(/1 to 100 members/)
  for (const weight of [0, -1, 1.5, 1_001, Number.NaN]) expect(() => committeeOf([1, weight])).toThrow(/weight/)
  const key = bytes32(5)
  const twice = [
    { key, weight: 1 },
    { key, weight: 1 }
  ]
  expect(() => createCommittee({ groupId: key, epoch: 0, hash: key, seed: key, members: twice })).toThrow(/ascend/)
})
