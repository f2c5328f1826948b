import type { SimRandom } from '@brume/testkit'
import { mayFail } from '../oracle/statement.ts'
import { drawExact, drawScenario, type Scenario } from '../scenarios/names.ts'
import { between, pick, type Streams, shuffled } from '../world/streams.ts'
import { type FaultEvent, planFaults } from './plan.ts'
import { type Role, rolesFor } from './roles.ts'
import { drawSites, drawWeights, type Profile } from './weights.ts'

/** Everything that can go wrong in a run; each class is on with probability 1/2. */
export const CLASSES = [
  'delay',
  'loss',
  'lossy',
  'clog',
  'partition',
  'crash',
  'crash-point',
  'storm',
  'clock',
  'stall',
  'disk',
  'wipe',
  'byzantine'
] as const
export type FaultClass = (typeof CLASSES)[number]

/** One liar: a member, and what it does. A twin has a second process with the same key. */
export interface LiarOptions {
  readonly member: number
  readonly roles: readonly Role[]
}

/** A run, whole: from the same options and seed comes the same log. All of it is JSON. */
export interface RunOptions {
  readonly classes: readonly FaultClass[]
  readonly profile: Profile
  readonly weights: readonly number[]
  /** Site of each member; blocks need signers from `minSites`. */
  readonly sites: readonly string[]
  readonly minSites: number
  readonly deltaMs: number
  readonly minViewMs: number
  readonly measuresDelta: boolean
  readonly maxCommands: number
  readonly delay: {
    readonly meanUs: number
    readonly spreadUs: number
    readonly jitterUs: number
    readonly aws: boolean
  }
  readonly loss: number
  readonly duplication: number
  readonly lossy: boolean
  readonly syncUs: { readonly low: number; readonly high: number; readonly slowShare: number; readonly slowUs: number }
  readonly clocks: readonly { readonly originMs: number; readonly wallOffsetMs: number; readonly driftPpm: number }[]
  readonly liars: readonly LiarOptions[]
  readonly bursts: readonly { readonly atMs: number; readonly client: number; readonly commands: number }[]
  readonly events: readonly FaultEvent[]
  /** Weight above F is silent for a while: nothing may become final, then everything must. */
  readonly overBudget: { readonly members: readonly number[]; readonly fromMs: number; readonly toMs: number } | null
  readonly safetyMs: number
  /** Members cut off in the liveness phase; the others weigh a quorum. */
  readonly absent: readonly number[]
  readonly realCrypto: boolean
  /** A group in other trouble than the swarm's, by name. */
  readonly scenario: Scenario | null
}

/** Virtual time with faults. */
export const SAFETY_MS = 60_000
/** Real signatures cost as much as all else together fifty times over. */
const REAL_CRYPTO_EVERY = 50
/** Of all seeds, those that play out a known trouble. */
const SCENARIO_SHARE = 0.1
/** And those in which something must hold exactly. */
const EXACT_SHARE = 0.06

/** All options of a seed, drawn from the stream `options` and, for what happens when, `faults` and `workload`. */
export function drawOptions(streams: Streams): RunOptions {
  const { options: random } = streams
  const share = random.float()
  if (share < SCENARIO_SHARE) return drawScenario(random)
  if (share < SCENARIO_SHARE + EXACT_SHARE) return drawExact(random)
  const realCrypto = random.below(REAL_CRYPTO_EVERY) === 0
  const n = realCrypto ? 4 : drawSize(random)
  const classes = CLASSES.filter(() => random.chance(0.5))
  const { profile, weights } = drawWeights(random, n)
  const { sites, minSites } = drawSites(profile, n)
  const has = (name: FaultClass) => classes.includes(name)
  const faults = mayFail(weights)
  const overBudget = !has('byzantine') && random.chance(0.1) ? drawOverBudget(random, weights, faults) : null
  const liars = has('byzantine') ? drawLiars(random, weights, faults, sites, minSites) : []
  const lying = liars.reduce((sum, { member }) => sum + (weights[member] ?? 0), 0)
  const wiped = has('wipe')
    ? drawWithin(
        random,
        weights,
        faults - lying,
        liars.map(({ member }) => member),
        sites,
        minSites
      )
    : []
  const gone = [...liars.map(({ member }) => member), ...wiped]
  const left = faults - gone.reduce((sum, member) => sum + (weights[member] ?? 0), 0)
  const absent = random.chance(0.5) ? drawWithin(random, weights, left, gone, sites, minSites) : []
  const meanUs = has('delay') ? between(random, 100, 150_000) : between(random, 100, 5_000)
  return {
    classes,
    profile,
    weights,
    sites,
    minSites,
    deltaMs: pick(random, [50, 100, 250, 250, 500]),
    minViewMs: pick(random, [0, 0, 10]),
    measuresDelta: random.chance(0.3),
    maxCommands: pick(random, [1, 4, 16]),
    delay: {
      meanUs,
      spreadUs: Math.floor(meanUs / 2),
      jitterUs: has('delay') ? random.below(3 * meanUs + 1) : Math.floor(meanUs / 4),
      aws: has('delay') && random.chance(0.2)
    },
    loss: has('loss') ? random.below(301) / 1_000 : 0,
    duplication: has('loss') ? random.below(501) / 1_000 : 0,
    lossy: has('lossy'),
    syncUs: {
      low: 200,
      high: has('disk') ? between(random, 300, 50_000) : 2_000,
      slowShare: has('disk') ? 0.01 : 0,
      slowUs: 1_000_000
    },
    clocks: weights.map((_, member) => drawClock(random, has('clock'), gone.includes(member))),
    liars,
    bursts: drawBursts(streams.workload, realCrypto ? 2 : between(random, 3, 6)),
    events: planFaults(streams.faults, { n, classes, wiped, overBudget: overBudget?.members ?? [], lying: liars }),
    overBudget,
    safetyMs: SAFETY_MS,
    absent,
    realCrypto,
    scenario: null
  }
}

function drawSize(random: SimRandom): number {
  return random.chance(0.8) ? pick(random, [4, 5, 7]) : pick(random, [10, 16])
}

/** Members within a weight, such that the rest still meets the condition of sites. */
function drawWithin(
  random: SimRandom,
  weights: readonly number[],
  most: number,
  taken: readonly number[],
  sites: readonly string[],
  minSites: number
): number[] {
  const chosen: number[] = []
  let left = most
  for (const member of shuffled(random, [...weights.keys()])) {
    const weight = weights[member] ?? 0
    if (taken.includes(member) || weight > left || random.chance(0.3)) continue
    const rest = new Set(
      sites.filter((_, other) => other !== member && !chosen.includes(other) && !taken.includes(other))
    )
    if (rest.size < minSites) continue
    chosen.push(member)
    left -= weight
  }
  return chosen
}

function drawLiars(
  random: SimRandom,
  weights: readonly number[],
  faults: number,
  sites: readonly string[],
  minSites: number
): LiarOptions[] {
  return drawWithin(random, weights, faults, [], sites, minSites).map((member) => ({ member, roles: rolesFor(random) }))
}

function drawOverBudget(random: SimRandom, weights: readonly number[], faults: number) {
  const members: number[] = []
  let weight = 0
  for (const member of shuffled(random, [...weights.keys()])) {
    if (weight > faults) break
    members.push(member)
    weight += weights[member] ?? 0
  }
  return { members, fromMs: 15_000, toMs: 40_000 }
}

/** A member whose clock is far off is as good as faulty: only those that are anyway get such a clock. */
function drawClock(random: SimRandom, isOff: boolean, isFaulty: boolean) {
  const originMs = random.below(1_000_000)
  if (!isOff) return { originMs, wallOffsetMs: 0, driftPpm: 0 }
  const most = isFaulty ? 300_000 : 4_000
  return { originMs, wallOffsetMs: between(random, -most, most), driftPpm: between(random, -200, 200) }
}

function drawBursts(random: SimRandom, count: number) {
  return Array.from({ length: count }, () => ({
    atMs: 500 + random.below(SAFETY_MS - 2_000),
    client: between(random, 1, 3),
    commands: between(random, 1, 6)
  })).sort((a, b) => a.atMs - b.atMs)
}
