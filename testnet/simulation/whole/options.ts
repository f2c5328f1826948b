import type { SimRandom } from '@brume/testkit'
import { mayFail } from '../oracle/statement.ts'
import { between, pick, type Streams, shuffled } from '../world/streams.ts'
import type { Expectation } from './expectations.ts'
import type { FloodPlan } from './flood.ts'
import { planSteps, type Step } from './membership.ts'
import { WHOLE_MUTANTS } from './mutants.ts'
import { planFaults, type WholeFaultEvent } from './plan.ts'
import type { SlotPlan } from './slots.ts'
import { STAGES } from './stages.ts'

/** Everything that can go wrong in a run of whole groups; each class is on with probability 1/2. */
export const WHOLE_CLASSES = [
  'delay',
  'loss',
  'partition',
  'deaf',
  'stall',
  'kill',
  'power',
  'storm',
  'disk',
  'clock',
  'wipe',
  'forget',
  'members',
  'slots',
  'byzantine'
] as const
export type WholeClass = (typeof WHOLE_CLASSES)[number]

/**
 * What a liar does: the first five on the wire among members, as testnet/peer/byzantine has it; `replay` orders again
 * what was ordered before.
 */
export const WHOLE_ROLES = [
  'silent',
  'stall',
  'equivocate',
  'double-vote',
  'bad-signature',
  'replay',
  'lies-to-clients',
  'wrong-results',
  'bad-pages',
  'mutate',
  'lies-in-slots',
  'flood'
] as const
export type WholeRole = (typeof WHOLE_ROLES)[number]

/** A run, whole, as JSON: from the same options and seed comes the same log. */
export interface WholeOptions {
  readonly classes: readonly WholeClass[]
  readonly weights: readonly number[]
  readonly deltaMs: number
  readonly minViewMs: number
  readonly maxCommands: number
  readonly epochBlocks: number
  readonly checkpointBlocks: number
  readonly delayMs: number
  readonly jitterMs: number
  readonly loss: number
  readonly duplication: number
  /** Each sync takes from `low` to `high` ms. */
  readonly syncMs: { readonly low: number; readonly high: number }
  readonly clocks: readonly { readonly offsetMs: number; readonly driftPpm: number }[]
  /** Members whose program is not on disk: others restore it. */
  readonly forgetful: readonly number[]
  readonly liars: readonly { readonly member: number; readonly roles: readonly WholeRole[] }[]
  readonly writers: number
  /** Of each member; blocks need signers from two. Left out: nobody asks. */
  readonly sites?: readonly string[]
  readonly slots?: readonly SlotPlan[]
  /** Of liars that flood, and of somebody who is no member. Left out: a small one, and nobody from outside. */
  readonly flood?: FloodPlan
  readonly expects?: readonly Expectation[]
  readonly events: readonly WholeFaultEvent[]
  readonly steps: readonly Step[]
  readonly safetyMs: number
}

/** What a liar sends that is drawn to flood: half of what a pool takes, so that others find room when it is over. */
export const FLOOD: FloodPlan = { fromMs: 1_500, forMs: 3_000, frames: 200 }
/** Virtual time with faults: ten epochs and more. */
const SAFETY_MS = 15_000
const SLOTS_MAX = 4
/**
 * Clocks of honest members are off by so much either way: as far ahead as a block may be (quorum.md 4). Where all of them
 * are needed, no two may be further apart than that, jumps included, or they refuse each other's blocks for good.
 */
const SKEW_MS = { most: 10_000, whereAllAreNeeded: 4_000 }
/** Of all seeds, those played on a stage of their own, or on that of a known bug without the bug: nothing may be noticed there. */
const STAGED = 0.2

/** All options of a seed, from the streams `options` and, for what happens when, `faults` and `workload`. */
export function drawWholeOptions(streams: Streams): WholeOptions {
  const drawn = drawRun(streams)
  const { options: random } = streams
  if (!random.chance(STAGED)) return drawn
  // What a stage is there for comes about with some seeds only; what no run may break holds with all.
  const { expects: _, ...stage } = pick(random, [...WHOLE_MUTANTS, ...STAGES]).stage
  return { ...drawn, ...stage }
}

function drawRun({ options: random, faults, workload }: Streams): WholeOptions {
  const n = pick(random, [4, 4, 4, 4, 4, 5, 5, 5, 7, 7, 7, 10])
  const classes = WHOLE_CLASSES.filter(() => random.chance(0.5))
  const has = (name: WholeClass) => classes.includes(name)
  const weights = drawWeights(random, n)
  const broken = drawBroken(random, weights)
  const lying = has('byzantine') ? broken : []
  const wiped = has('wipe') && !has('byzantine') ? broken : []
  return {
    classes,
    weights,
    deltaMs: pick(random, [50, 100, 250]),
    minViewMs: pick(random, [0, 0, 10]),
    maxCommands: pick(random, [2, 16, 256]),
    epochBlocks: between(random, 4, 16),
    checkpointBlocks: between(random, 2, 6),
    delayMs: has('delay') ? between(random, 5, 80) : between(random, 1, 5),
    jitterMs: has('delay') ? between(random, 0, 80) : 1,
    loss: has('loss') ? random.below(201) / 1_000 : 0,
    duplication: has('loss') ? random.below(301) / 1_000 : 0,
    syncMs: { low: 0.2, high: has('disk') ? between(random, 1, 40) : 1 },
    clocks: weights.map(() => drawClock(random, has('clock'), lying.length + wiped.length > 0)),
    // Whose state is gone cannot vote for the next certified one: with the others that are broken within what may fail.
    forgetful: has('forget') && !has('byzantine') && !has('wipe') ? broken : [],
    liars: lying.map((member) => ({ member, roles: drawRoles(random) })),
    writers: between(random, 1, 3),
    ...(has('members') && broken.length === 0 ? { sites: drawSites(random, n) } : {}),
    slots: has('slots') ? drawSlots(workload) : [],
    events: planFaults(faults, { n, classes, wiped, safetyMs: SAFETY_MS }),
    steps: has('members') ? planSteps(workload, { n, lying, wiped, safetyMs: SAFETY_MS }) : [],
    safetyMs: SAFETY_MS
  }
}

function drawWeights(random: SimRandom, n: number): readonly number[] {
  const profile = pick(random, ['equal', 'equal', 'two-to-one', 'random'])
  return Array.from({ length: n }, (_, i) => {
    if (profile === 'two-to-one') return i % 2 === 0 ? 2 : 1
    return profile === 'random' ? between(random, 1, 20) : 1
  })
}

/** Members that may lie or lose everything: within F of the first weights, and of the equal ones that follow. */
function drawBroken(random: SimRandom, weights: readonly number[]): readonly number[] {
  const chosen: number[] = []
  let left = mayFail(weights)
  const most = mayFail(weights.map(() => 1))
  for (const member of shuffled(random, [...weights.keys()])) {
    const weight = weights[member] ?? 0
    if (chosen.length >= most || weight > left) continue
    chosen.push(member)
    left -= weight
  }
  return chosen
}

function drawRoles(random: SimRandom): readonly WholeRole[] {
  const first = pick(random, WHOLE_ROLES)
  return random.chance(0.5) ? [first] : [...new Set([first, pick(random, WHOLE_ROLES.slice(6))])]
}

/** So many elsewhere that the committee can be formed, and hardly more: one of them less may be one too few. */
function drawSites(random: SimRandom, n: number): readonly string[] {
  const elsewhere = mayFail(Array.from({ length: n }, () => 1)) + 1
  return shuffled(
    random,
    Array.from({ length: n }, (_, i) => (i < elsewhere ? 'b' : 'a'))
  )
}

function drawSlots(random: SimRandom): readonly SlotPlan[] {
  const count = between(random, 1, SLOTS_MAX)
  return Array.from({ length: count }, (_, i) => {
    const atMs = 1_000 + Math.floor((i * (SAFETY_MS - 2_000)) / count) + random.below(500)
    const what = pick(random, ['same', 'one-differs', 'all-differ', 'few'] as const)
    // Leaders decide nothing of which too few results are there.
    return { atMs, what, leaderViews: what !== 'few' && random.chance(0.7) }
  })
}

function drawClock(random: SimRandom, isOff: boolean, areAllNeeded: boolean) {
  if (!isOff) return { offsetMs: 0, driftPpm: 0 }
  const most = areAllNeeded ? SKEW_MS.whereAllAreNeeded : SKEW_MS.most
  return { offsetMs: between(random, -most, most), driftPpm: between(random, -200, 200) }
}
