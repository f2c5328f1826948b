import type { SimRandom } from '@brume/testkit'
import { between, pick } from '../world/streams.ts'

export type Profile = 'equal' | 'two-to-one' | 'one-at-cap' | 'random' | 'domains'

export function drawWeights(random: SimRandom, n: number): { profile: Profile; weights: readonly number[] } {
  const profile = pick<Profile>(random, ['equal', 'equal', 'two-to-one', 'one-at-cap', 'random', 'domains'])
  const weights = Array.from({ length: n }, (_, i) => {
    if (profile === 'two-to-one') return i % 2 === 0 ? 2 : 1
    return profile === 'random' ? between(random, 1, 20) : 1
  })
  // The heaviest that may still fail alone: w with 3w < total.
  if (profile === 'one-at-cap') {
    const others = 2 * (n - 1)
    return { profile, weights: weights.map((_, i) => (i === 0 ? Math.ceil(others / 2) - 1 : 2)) }
  }
  return { profile, weights }
}

export function drawSites(profile: Profile, n: number) {
  if (profile !== 'domains') return { sites: Array.from({ length: n }, () => 'a'), minSites: 1 }
  // So few elsewhere that one site alone weighs a quorum: then the condition is what holds it back.
  const elsewhere = n < 7 ? 1 : 2
  return { sites: Array.from({ length: n }, (_, i) => (i < elsewhere ? 'b' : 'a')), minSites: 2 }
}
