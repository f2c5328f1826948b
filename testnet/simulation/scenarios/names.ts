import type { SimRandom } from '@brume/testkit'
import { calm } from '../faults/calm.ts'
import type { RunOptions } from '../faults/options.ts'
import { drawSites, drawWeights } from '../faults/weights.ts'
import { between, pick } from '../world/streams.ts'

/** Trouble that chance alone makes too seldom: a share of the seeds is spent on each. */
export const SCENARIOS = [
  /** Messages take five times what Delta believes: only the back-off gets a block through. */
  'slow-network',
  /** One member left a view by its notarization, two by its nullification, and the fourth is silent. */
  'split-1-2',
  'split-2-1',
  /** A light one notarized and finalized it, three nullified it, of whom one is silent since: it must ask for proof. */
  'split-asking',
  /** The leader is silent, and one member never gets to see the command the others give up views for. */
  'unaware',
  /** A member finalizes a block it did not notarize, and restarts with its vote and without the block. */
  'finalized-and-forgot'
] as const

/** What must hold exactly, which trouble of all kinds at once would hide. */
export const EXACT = [
  /** Nothing goes wrong: fifty blocks, and not a word too many. */
  'online',
  /** One member is far slower than the others, or its links lose or double what they carry. */
  'laggard',
  /** What members say reaches others up to eight views later. */
  'reordered',
  /** The only sites of a kind vanish, and come back. */
  'domain-lost'
] as const
export type Scenario = (typeof SCENARIOS)[number] | (typeof EXACT)[number]

export function isExact(scenario: Scenario): scenario is (typeof EXACT)[number] {
  return (EXACT as readonly string[]).includes(scenario)
}

/** What a scenario begins from. */
export const CALM = calm(4)

export function drawScenario(random: SimRandom): RunOptions {
  const scenario = pick<Scenario>(random, [...SCENARIOS, 'split-asking', 'slow-network'])
  if (scenario === 'split-asking') return { ...CALM, weights: [1, 4, 4, 4], scenario }
  if (scenario !== 'slow-network') return { ...CALM, scenario }
  return { ...CALM, deltaMs: 50, delay: { meanUs: 250_000, spreadUs: 20_000, jitterUs: 5_000, aws: false }, scenario }
}

/** Of groups in which nothing goes wrong; and now and then a large one, which costs as much as a hundred of these. */
const SIZES = [4, 5, 6, 7, 8, 10, 13, 16, 19]
const LARGE_SIZES = [31, 50, 100]
const LARGE_EVERY = 40
const SYNC_US = { low: 200, high: 300, slowShare: 0, slowUs: 0 }

export function drawExact(random: SimRandom): RunOptions {
  const scenario = pick(random, EXACT)
  const sizes = random.below(LARGE_EVERY) === 0 ? LARGE_SIZES : SIZES
  const n = pick(random, scenario === 'online' ? sizes : [4, 5, 7])
  const { profile, weights } = drawWeights(random, n)
  const kind = scenario === 'domain-lost' ? 'domains' : profile
  return {
    ...calm(n),
    ...drawSites(kind, n),
    profile: kind,
    weights: kind === profile ? weights : calm(n).weights,
    deltaMs: 50,
    maxCommands: 1,
    delay: { meanUs: between(random, 500, 4_000), spreadUs: 200, jitterUs: 300, aws: false },
    syncUs: SYNC_US,
    scenario
  }
}
