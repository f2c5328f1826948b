import { regionOf } from '@brume/testkit'
import { calm } from '../faults/calm.ts'
import type { RunOptions } from '../faults/options.ts'
import { seedOf } from '../world/streams.ts'
import { regionalDelaysUs } from './delays.ts'
import { SimGroup } from './group.ts'
import { Workload } from './workload.ts'

/** Published: means over leaders and members (quorum.md 16.2), ms. */
const NOTARIZED_MS = 182
const FINAL_MS = 286
const MARGIN = 0.05
/** A hundred members, one block, simulated. */
const HUNDRED_WITHIN_MS = 1_000
const SETTLE_US = 5_000_000
const BLOCK_US = 10_000_000

export interface WideArea {
  readonly ok: boolean
  readonly members: number
  readonly leaders: number
  /** From a leader's proposal until a member knows the notarization, and the finalization; means over all pairs, ms. */
  readonly notarizedMs: number
  readonly finalMs: number
  readonly slowestFinalMs: number
  readonly hundredFinalMs: number
}

/** 50 equal members in ten regions, no processing or disk time, each leads once; null without the table. */
export function measureWideArea(): WideArea | null {
  const delayUs = regionalDelaysUs()
  if (delayUs === null) return null
  const fifty = measure(50, 50, delayUs)
  const hundred = measure(100, 5, delayUs)
  const near = (ms: number, published: number) => Math.abs(ms - published) <= published * MARGIN
  const ok =
    near(fifty.notarizedMs, NOTARIZED_MS) && near(fifty.finalMs, FINAL_MS) && hundred.slowestFinalMs < HUNDRED_WITHIN_MS
  return { ok, members: 50, ...fifty, hundredFinalMs: hundred.slowestFinalMs }
}

function optionsOf(members: number): RunOptions {
  const nothing = { low: 0, high: 0, slowShare: 0, slowUs: 0 }
  const delay = { meanUs: 0, spreadUs: 0, jitterUs: 0, aws: false }
  return { ...calm(members), deltaMs: 2_000, delay, syncUs: nothing, scenario: null }
}

function measure(members: number, leaders: number, delayUs: (from: string, to: string) => number) {
  const group = new SimGroup({ seed: seedOf(0), options: optionsOf(members) })
  const { world, network, nodes, oracle } = group
  network.settings.delayUs = (from, to) => delayUs(regionOf(from, members), regionOf(to, members))
  const workload = new Workload(group)
  const proposedUs = new Map<string, number>()
  const waits = { notarized: [] as number[], final: [] as number[], slowest: [] as number[] }
  let digest = ''
  let finalHere = 0
  const waitedMs = (of: string) => (world.nowUs - (proposedUs.get(of) ?? world.nowUs)) / 1_000
  group.onBuilt = (_, built) => {
    digest = built
    finalHere = 0
    proposedUs.set(built, world.nowUs)
  }
  group.onNotarized = (_, of) => waits.notarized.push(waitedMs(of))
  group.onFinal = () => {
    waits.final.push(waitedMs(digest))
    finalHere += 1
    if (finalHere === members) waits.slowest.push(waitedMs(digest))
  }
  group.start()
  world.runUntil(SETTLE_US)
  for (let block = 0; block < leaders; block++) {
    const height = oracle.top + 1
    workload.submit(1)
    const isDone = () => nodes.every(({ state }) => state.final.height >= height)
    if (!world.runWhile(() => !isDone(), world.nowUs + BLOCK_US))
      oracle.fail('liveness', `block ${height} is not final`)
    world.runUntil(world.nowUs + SETTLE_US)
  }
  const mean = (list: readonly number[]) => Math.round((10 * list.reduce((sum, ms) => sum + ms, 0)) / list.length) / 10
  return {
    leaders,
    notarizedMs: mean(waits.notarized),
    finalMs: mean(waits.final),
    slowestFinalMs: mean(waits.slowest)
  }
}
