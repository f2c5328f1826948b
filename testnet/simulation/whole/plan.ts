import type { SimRandom } from '@brume/testkit'
import { between, pick, shuffled } from '../world/streams.ts'
import type { WholeClass } from './options.ts'

/** One thing that goes wrong. Processes by index, times in ms of virtual time. */
export type WholeFault =
  /** As `kill -9`: what the system had taken stays. `kept`: of records under way so many have reached the disk. */
  | { readonly type: 'kill'; readonly process: number; readonly kept: number; readonly downMs: number }
  /** With the power: of what no disk had synced some is gone; `torn`: the journal's last record is cut. */
  | { readonly type: 'power'; readonly process: number; readonly torn: boolean; readonly downMs: number }
  /** Everybody at once. */
  | { readonly type: 'storm'; readonly downMs: readonly number[] }
  | { readonly type: 'wipe'; readonly process: number; readonly downMs: number }
  /** The journal is found damaged. */
  | { readonly type: 'damage'; readonly process: number; readonly downMs: number }
  /** The disk confirms what it does not write for so long; then power is lost, and with it all of that. */
  | { readonly type: 'lying-sync'; readonly process: number; readonly forMs: number; readonly downMs: number }
  /**
   * A second process begins with the same key, on an empty disk or a `copy` of this one, and stays until the calm. What
   * the processes `reach` say reaches that one, and this one too where it reaches `both`.
   */
  | {
      readonly type: 'twin'
      readonly process: number
      readonly copy: boolean
      readonly reach: readonly number[]
      readonly both: boolean
    }
  /** The event loop stands still. */
  | { readonly type: 'stall'; readonly process: number; readonly forMs: number }
  /** No gossip reaches it, nor votes of these kinds, if any, and certificates with them. */
  | { readonly type: 'deaf'; readonly process: number; readonly kinds: readonly number[]; readonly forMs: number }
  /** Each reaches its neighbours in this order alone, the last one the first. */
  | { readonly type: 'ring'; readonly order: readonly number[]; readonly forMs: number }
  | { readonly type: 'isolate'; readonly process: number; readonly forMs: number }
  | { readonly type: 'split'; readonly side: readonly number[]; readonly forMs: number }
  | { readonly type: 'one-way'; readonly from: number; readonly to: number; readonly forMs: number }
  | { readonly type: 'sever'; readonly a: number; readonly b: number }
  | { readonly type: 'slow'; readonly process: number; readonly delayMs: number; readonly forMs: number }
  | { readonly type: 'full'; readonly process: number; readonly forMs: number }
  | { readonly type: 'sync-fails'; readonly process: number; readonly downMs: number }
  | { readonly type: 'jump'; readonly process: number; readonly byMs: number }

export type WholeFaultEvent = { readonly atMs: number } & WholeFault

export interface PlanInput {
  readonly n: number
  readonly classes: readonly WholeClass[]
  /** Members that lose what they had, once, or of which there are two. */
  readonly wiped: readonly number[]
  readonly safetyMs: number
}

const BEGIN_MS = 500
const REST_MS = 1_000

/** What goes wrong when, as a list: a failing run is shrunk by leaving entries out. */
export function planFaults(random: SimRandom, { n, classes, wiped, safetyMs }: PlanInput): readonly WholeFaultEvent[] {
  const events: WholeFaultEvent[] = []
  const add = (fault: WholeFault) => events.push({ atMs: between(random, BEGIN_MS, safetyMs - REST_MS), ...fault })
  const some = (name: WholeClass, most: number, make: () => WholeFault) => {
    if (!classes.includes(name)) return
    for (let left = between(random, 1, most); left > 0; left--) add(make())
  }
  const process = () => random.below(n)
  const downMs = () => pick(random, [5, 100, 1_000, 4_000]) + random.below(500)
  const forMs = () => between(random, 200, 6_000)
  some('kill', 6, () => ({ type: 'kill', process: process(), kept: random.below(4), downMs: downMs() }))
  some('power', 4, () => ({ type: 'power', process: process(), torn: random.chance(0.3), downMs: downMs() }))
  some('storm', 2, () => ({ type: 'storm', downMs: Array.from({ length: n }, downMs) }))
  some('partition', 2, () => ({ type: 'isolate', process: process(), forMs: forMs() }))
  some('partition', 3, () => ({ type: 'split', side: drawSide(random, n), forMs: forMs() }))
  some('partition', 4, () => ({ type: 'one-way', from: process(), to: process(), forMs: forMs() }))
  some('partition', 1, () => ({ type: 'ring', order: shuffled(random, [...Array(n).keys()]), forMs: forMs() }))
  some('deaf', 4, () => ({ type: 'deaf', process: process(), kinds: drawKinds(random), forMs: forMs() }))
  some('stall', 6, () => ({ type: 'stall', process: process(), forMs: between(random, 50, 2_000) }))
  some('loss', 4, () => ({ type: 'sever', a: process(), b: process() }))
  some('delay', 2, () => ({ type: 'slow', process: process(), delayMs: between(random, 50, 800), forMs: forMs() }))
  some('disk', 2, () => ({ type: 'full', process: process(), forMs: forMs() }))
  some('disk', 1, () => ({ type: 'sync-fails', process: process(), downMs: downMs() }))
  some('clock', 3, () => ({ type: 'jump', process: process(), byMs: between(random, -2_000, 2_000) }))
  for (const member of wiped) {
    const type = pick(random, ['wipe', 'damage', 'lying-sync', 'twin'] as const)
    if (type === 'twin') add(drawTwin(random, n, member))
    else add({ type, process: member, forMs: between(random, 50, 3_000), downMs: downMs() })
  }
  return events.sort((a, b) => a.atMs - b.atMs)
}

/** Half of them, a third, or any set. */
function drawSide(random: SimRandom, n: number): readonly number[] {
  const order = shuffled(random, [...Array(n).keys()])
  const size = pick(random, [n >> 1, Math.floor(n / 3), random.below(n)])
  return order.slice(0, size)
}

/** Who hears less than a quorum waits and says nothing: both hear everybody, or each some of them. */
function drawTwin(random: SimRandom, n: number, process: number): WholeFault {
  const others = [...Array(n).keys()].filter((other) => other !== process)
  const both = random.chance(0.6)
  const reach = both ? others : shuffled(random, others).slice(0, between(random, 1, n - 2))
  return { type: 'twin', process, copy: random.chance(0.5), reach, both }
}

/** Notarize, nullify, finalize: one of them, or two. */
function drawKinds(random: SimRandom): readonly number[] {
  return shuffled(random, [1, 2, 3]).slice(0, between(random, 1, 2))
}
