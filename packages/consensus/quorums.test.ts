import { describe, expect, test } from 'vitest'
import { clampWeights } from './clamp.ts'
import { certifies, createCommittee, leaderOf } from './committee.ts'
import { KIND } from './statement.ts'
import { dice } from './test/dice.ts'

const ID = new Uint8Array(32).fill(1)

function committeeOf(weights: readonly number[], seed: Uint8Array = ID) {
  const members = weights.map((weight, i) => ({ key: new Uint8Array(32).fill(i), weight }))
  return createCommittee({ groupId: ID, epoch: 0, hash: ID, seed, members })
}

function throws(count: number, seed: number): readonly number[] {
  const roll = dice(seed)
  return Array.from({ length: count }, () => roll(1_000_000))
}

const DOMAINS = ['a', 'b', 'c', 'd', 'e']
const PROFILES: Readonly<Record<string, (n: number) => readonly number[]>> = {
  equal: (n) => Array.from({ length: n }, () => 100),
  'two to one': (n) => Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 200 : 100)),
  'one at the cap': (n) => Array.from({ length: n }, (_, i) => (i === 0 ? 1_000 : 20)),
  random: (n) => throws(n, n).map((thrown) => 1 + (thrown % 200)),
  'domain-capped': (n) => throws(n, n).map((thrown) => 100 + 50 * (thrown % 3))
}

/** As formation would weigh them; the domains of the last profile are capped. */
function weightsOf(profile: string, n: number): readonly number[] {
  const raw = PROFILES[profile]?.(n) ?? []
  const sites = throws(n, 3).map((thrown, i) => DOMAINS[(i < 5 ? i : thrown) % 5] ?? 'a')
  const members = raw.map((weight, i) => ({ weight, domains: { site: sites[i] ?? '' }, volatile: false }))
  const clamped = clampWeights(members, profile === 'domain-capped' && n > 4 ? ['site'] : [])
  if ('exceeds' in clamped) throw new Error(`${profile} of ${n}: ${clamped.exceeds}`)
  return clamped.weights
}

const COUNTS = Array.from({ length: 97 }, (_, i) => i + 4)

describe.each(Object.keys(PROFILES))('%s, from 4 to 100 members', (profile) => {
  test('random least quorums overlap in more than F, and any F may be missing', () => {
    for (const n of COUNTS) {
      const weights = weightsOf(profile, n)
      const committee = committeeOf(weights)
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      const order = (name: number) => {
        const lots = throws(n, name)
        return weights.map((_, i) => i).sort((a, b) => (lots[a] ?? 0) - (lots[b] ?? 0))
      }
      const weigh = (signers: readonly number[]) => signers.reduce((sum, i) => sum + (weights[i] ?? 0), 0)
      const quorumOf = (name: number) => {
        const signers: number[] = []
        for (const i of order(name)) {
          if (certifies(committee, KIND.finalize, signers)) break
          signers.push(i)
        }
        return signers
      }
      for (let pair = 0; pair < 5; pair++) {
        const [one, other] = [quorumOf(2 * pair), quorumOf(2 * pair + 1)]
        expect(3 * weigh(one)).toBeGreaterThan(2 * total)
        expect(3 * weigh(one.filter((i) => other.includes(i)))).toBeGreaterThanOrEqual(total)
        const missing: number[] = []
        for (const i of order(pair)) if (3 * weigh([...missing, i]) < total) missing.push(i)
        expect(
          certifies(
            committee,
            KIND.finalize,
            weights.map((_, i) => i).filter((i) => !missing.includes(i))
          )
        ).toBe(true)
      }
    }
  })

  test("one period has exactly each one's turns, and no liars of weight F lead n views in a row", () => {
    let worst = 0
    for (const n of COUNTS) {
      const weights = weightsOf(profile, n)
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      const committee = committeeOf(weights, new Uint8Array(32).fill(n))
      const { leaders } = committee
      const turns = weights.map(() => 0)
      for (const leader of leaders) turns[leader] = (turns[leader] ?? 0) + 1
      expect(turns.map((count) => count * total)).toEqual(weights.map((weight) => weight * leaders.length))
      expect(leaderOf(committee, leaders.length + 1)).toBe(leaders[0])
      worst = Math.max(worst, longestRun(leaders, weights, total) / n)
    }
    expect(worst).toBeLessThan(1)
  })
})

/** Most views in a row whose leaders together weigh less than a third: a window over the table, twice round. */
function longestRun(leaders: readonly number[], weights: readonly number[], total: number): number {
  const inside = weights.map(() => 0)
  const at = (view: number) => leaders[view % leaders.length] ?? 0
  let [weight, from, longest] = [0, 0, 0]
  for (let to = 0; to < 2 * leaders.length; to++) {
    const entering = at(to)
    if (inside[entering] === 0) weight += weights[entering] ?? 0
    inside[entering] = (inside[entering] ?? 0) + 1
    while (3 * weight >= total) {
      const leaving = at(from++)
      inside[leaving] = (inside[leaving] ?? 0) - 1
      if (inside[leaving] === 0) weight -= weights[leaving] ?? 0
    }
    longest = Math.max(longest, to - from + 1)
  }
  return longest
}
