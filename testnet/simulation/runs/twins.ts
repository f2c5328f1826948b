import { calm } from '../faults/calm.ts'
import type { RunOptions } from '../faults/options.ts'
import { type Violation, ViolationError } from '../oracle/oracle.ts'
import { between, pick, shuffled, streamsOf } from '../world/streams.ts'
import { SimGroup } from './group.ts'
import { Workload } from './workload.ts'

const ROUNDS_MAX = 5
const DELTA_MS = 50
/** Blocks that must become final once everybody hears everybody. */
const FINALIZATIONS = 10
const WITHIN_MS = 30_000
const LETTERS = 'abc'

export interface TwinsResult {
  readonly violation: Violation | null
  readonly members: number
  readonly rounds: number
  readonly finalizations: number
  readonly blamed: number
}

/**
 * One scenario of Twins (Bano and others): members of weight F run as two copies with one key, and for some
 * rounds it is drawn who hears whom; then everybody hears everybody. Nothing else goes wrong.
 */
export function runTwins(seed: Uint8Array): TwinsResult {
  const streams = streamsOf(seed)
  const n = pick(streams.options, [4, 4, 7])
  const twins = shuffled(streams.options, [...Array(n).keys()]).slice(0, n === 4 ? 1 : between(streams.options, 1, 2))
  const group = new SimGroup({ seed, options: optionsOf(n, twins) })
  for (const member of twins) group.unmask(member)
  const { world, oracle, honest } = group
  const workload = new Workload(group)
  const rounds = between(streams.options, 1, ROUNDS_MAX)
  let violation: Violation | null = null
  try {
    group.start()
    world.runUntil(20_000)
    workload.submit(1)
    playRounds(group, rounds)
    const before = oracle.top
    for (let i = 0; i < FINALIZATIONS; i++) workload.submit(2)
    const isDone = () =>
      oracle.top >= before + FINALIZATIONS && honest.every(({ state }) => state.final.height >= before + FINALIZATIONS)
    if (!world.runWhile(() => !isDone(), world.nowUs + WITHIN_MS * 1_000)) {
      oracle.fail('liveness', `${oracle.top - before} of ${FINALIZATIONS} blocks became final after ${rounds} rounds`)
    }
  } catch (error) {
    if (!(error instanceof ViolationError)) throw error
    violation = error.violation
  }
  return { violation, members: n, rounds, finalizations: oracle.top, blamed: oracle.blamed.size }
}

/** In each round processes hear only those of their own set. What is not heard is lost. */
function playRounds({ world, network, memberOf, streams }: SimGroup, rounds: number): void {
  network.settings.lossy = true
  for (let round = 0; round < rounds; round++) {
    const sets = memberOf.map(() => LETTERS.charAt(streams.faults.below(between(streams.faults, 1, LETTERS.length))))
    for (const a of memberOf.keys()) for (const b of memberOf.keys()) network.block(a, b, sets[a] !== sets[b])
    world.runUntil(world.nowUs + between(streams.faults, 20, 4 * DELTA_MS) * 1_000)
  }
  network.settings.lossy = false
  network.heal()
}

function optionsOf(n: number, twins: readonly number[]): RunOptions {
  return {
    ...calm(n),
    classes: ['byzantine'],
    deltaMs: DELTA_MS,
    maxCommands: 1,
    delay: { meanUs: 3_000, spreadUs: 2_500, jitterUs: 2_000, aws: false },
    syncUs: { low: 200, high: 1_000, slowShare: 0, slowUs: 0 },
    liars: twins.map((member) => ({ member, roles: ['twin'] })),
    scenario: null
  }
}
