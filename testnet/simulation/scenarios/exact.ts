import type { RunOptions } from '../faults/options.ts'
import type { Frame } from '../node/frame.ts'
import { mayFail, NULLIFY } from '../oracle/statement.ts'
import { SimGroup } from '../runs/group.ts'
import { Workload } from '../runs/workload.ts'
import { between, pick } from '../world/streams.ts'
import type { EXACT } from './names.ts'
import type { Stage } from './plays.ts'

/** Blocks of a run in which nothing goes wrong (quorum.md 16.1, row 1), and of one whose pace is taken. */
const BLOCKS = 50
const PACED_BLOCKS = 24
const PACED_MS = 20_000
/** Of a block to reach everybody: commands wait for one another, one a block. */
const BLOCK_MS = 400
const START_US = 20_000
/** Others may take so much longer beside one that is in trouble (quorum.md 16.1, row 7). */
const PACE_SHARE_MAX = 1.25
const SLOWER = 20
const LOSS = 0.3
const DUPLICATION = 0.5
/** As many views as votes may be ahead (quorum.md 5). */
const VIEWS_LATE = 8
const HELD_SHARE = 0.3
/** Then it arrives whatever view its receiver is in: a group that waits for it would wait for ever. */
const HELD_US = 1_500_000
const REORDERED_COMMANDS = 30
const REORDERED_MS = 20_000
/** Far more than a view of theirs: nothing may become final meanwhile. */
const HALTED_US = 2_500_000
/** Redialling, the deadline that was running, and the silent members' views. */
const RESUMED_MS = 3_000

export function playExact(scenario: (typeof EXACT)[number], stage: Stage): void {
  if (scenario === 'online') return playOnline(stage)
  if (scenario === 'laggard') return playLaggard(stage)
  if (scenario === 'reordered') return playReordered(stage)
  return playDomainLost(stage)
}

/** No view is given up, and no certificate travels: everybody makes its own of the votes. */
function playOnline({ group, workload, settle }: Stage): void {
  const { world, oracle } = group
  group.onCast = (process, kind, view) => {
    if (kind === NULLIFY) oracle.fail('too-much', `process ${process} nullifies view ${view} where nothing is wrong`)
  }
  group.filter = (from, to, frame) => {
    if (frame.content.type === 'certificate') oracle.fail('too-much', `${from} sends ${to} a certificate it can make`)
    return frame
  }
  world.runUntil(START_US)
  for (let i = 0; i < BLOCKS; i++) workload.submit(1)
  settle(BLOCKS * BLOCK_MS)
  if (oracle.top < BLOCKS) oracle.fail('stage', `${oracle.top} blocks for ${BLOCKS} commands that fill one each`)
}

/** Blocks of the other leaders take them hardly longer than in the same run without the trouble. */
function playLaggard({ group, workload, settle }: Stage): void {
  const { faults } = group.streams
  const laggard = pick(faults, dispensable(group.options))
  const besideMs = paceOf(group, workload, laggard, () => {
    trouble(group, laggard, pick(faults, ['slow', 'loss', 'duplication']))
  })
  const calm = new SimGroup(group.input)
  calm.start()
  const aloneMs = paceOf(calm, new Workload(calm), laggard, () => {})
  if (besideMs > PACE_SHARE_MAX * aloneMs)
    group.oracle.fail('pace', `${besideMs} ms a block beside process ${laggard}, ${aloneMs} ms without its trouble`)
  group.filter = null
  settle(PACED_MS)
}

/** Those without any one of whom the others still decide. */
function dispensable({ weights, sites, minSites }: RunOptions): readonly number[] {
  const most = mayFail(weights)
  return [...weights.keys()].filter((member) => {
    const rest = new Set(sites.filter((_, other) => other !== member))
    return (weights[member] ?? 0) <= most && rest.size >= minSites
  })
}

/** All links of one process: twenty times as slow, losing, or doubling what they carry. */
function trouble(group: SimGroup, laggard: number, what: 'slow' | 'loss' | 'duplication'): void {
  const { network, streams, nodes } = group
  const concerns = (from: number, to: number) => from === laggard || to === laggard
  if (what === 'slow') {
    const { delayUs } = network.settings
    network.settings.delayUs = (from, to) => delayUs(from, to) * (concerns(from, to) ? SLOWER : 1)
    return
  }
  group.filter = (from, to, frame) => {
    if (!concerns(from, to)) return frame
    if (what === 'loss') return streams.faults.chance(LOSS) ? null : frame
    if (streams.faults.chance(DUPLICATION)) nodes[to]?.receive(from, frame)
    return frame
  }
}

/**
 * From the building of a block until it is final at all but the laggard: the median over blocks of other leaders, ms. Of
 * those some stand on a block of the laggard that is still to be fetched, and wait with it.
 */
function paceOf(group: SimGroup, workload: Workload, laggard: number, begin: () => void): number {
  const { world, nodes, oracle } = group
  const others = nodes.filter(({ options }) => options.process !== laggard)
  const builtUs = new Map<string, number>()
  const waitsUs: number[] = []
  let reached = 0
  group.onBuilt = (process, digest) => {
    if (process !== laggard) builtUs.set(digest, world.nowUs)
  }
  group.onFinal = () => {
    const height = Math.min(...others.map(({ ledger }) => ledger.height))
    for (; reached < height; reached++) {
      const fromUs = builtUs.get(oracle.digestAt(reached + 1) ?? '')
      if (fromUs !== undefined) waitsUs.push(world.nowUs - fromUs)
    }
  }
  world.runUntil(START_US)
  begin()
  for (let i = 0; i < PACED_BLOCKS; i++) workload.submit(1)
  if (!world.runWhile(() => reached < PACED_BLOCKS, world.nowUs + PACED_MS * 1_000))
    oracle.fail('pace', `${reached} of ${PACED_BLOCKS} blocks are final after ${PACED_MS} ms`)
  waitsUs.sort((a, b) => a - b)
  return (waitsUs[waitsUs.length >> 1] ?? 0) / 1_000
}

interface Held {
  readonly from: number
  readonly frame: Frame
  readonly untilView: number
}

/** A share of all frames overtakes the others by up to eight of its receiver's views. */
function playReordered({ group, workload, settle }: Stage): void {
  const { world, nodes, streams, oracle } = group
  const held = nodes.map(() => new Set<Held>())
  let latest = 0
  const deliver = (to: number, one: Held) => {
    if (held[to]?.delete(one) === true) nodes[to]?.receive(one.from, one.frame)
  }
  group.onEntered = (to, view) => {
    for (const one of held[to] ?? []) {
      if (view < one.untilView) continue
      latest = Math.max(latest, view - one.frame.view)
      world.after(0, () => deliver(to, one))
    }
  }
  group.filter = (from, to, frame) => {
    if (!streams.faults.chance(HELD_SHARE)) return frame
    const one = { from, frame, untilView: frame.view + between(streams.faults, 1, VIEWS_LATE) }
    held[to]?.add(one)
    world.after(HELD_US, () => deliver(to, one))
    return null
  }
  world.runUntil(START_US)
  for (let i = 0; i < REORDERED_COMMANDS; i++) workload.submit(1)
  settle(REORDERED_MS)
  if (latest < VIEWS_LATE) oracle.fail('stage', `nothing came later than ${latest} views`)
}

/** Weight is there and diversity is not: nothing becomes final until it is back. */
function playDomainLost({ group, workload, settle }: Stage): void {
  const { world, oracle, options } = group
  const lost = options.sites.flatMap((site, member) => (site === 'b' ? [member] : []))
  world.runUntil(START_US)
  workload.submit(1)
  settle(BLOCK_MS)
  const before = oracle.top
  for (const member of lost) group.crash(member)
  for (const client of [1, 2]) workload.submit(client)
  world.runUntil(world.nowUs + HALTED_US)
  if (oracle.top > before) oracle.fail('progress-without-quorum', `height ${oracle.top} is final without its sites`)
  for (const member of lost) group.restart(member)
  settle(RESUMED_MS)
}
