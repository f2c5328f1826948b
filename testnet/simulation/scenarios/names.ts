import type { SimRandom } from '@brume/testkit'
import { calm } from '../faults/calm.ts'
import type { RunOptions } from '../faults/options.ts'
import { pick } from '../world/streams.ts'

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
export type Scenario = (typeof SCENARIOS)[number]

/** What a scenario begins from. */
export const CALM = calm(4)

export function drawScenario(random: SimRandom): RunOptions {
  const scenario = pick<Scenario>(random, [...SCENARIOS, 'split-asking', 'slow-network'])
  if (scenario === 'split-asking') return { ...CALM, weights: [1, 4, 4, 4], scenario }
  if (scenario !== 'slow-network') return { ...CALM, scenario }
  return { ...CALM, deltaMs: 50, delay: { meanUs: 250_000, spreadUs: 20_000, jitterUs: 5_000, aws: false }, scenario }
}
