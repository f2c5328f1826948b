import type { SimRandom } from '@brume/testkit'
import type { JournalPoint } from '../world/sim-journal.ts'
import { between, pick, shuffled } from '../world/streams.ts'
import type { FaultClass, LiarOptions } from './options.ts'

/** One thing that goes wrong. Processes by index, times in ms of virtual time. */
export type FaultEvent = { readonly atMs: number; readonly class: FaultClass } & Fault

export type Fault =
  | { readonly type: 'crash'; readonly process: number; readonly downMs: number }
  /** Dies at the nth journal call of this sort from now on. */
  | {
      readonly type: 'crash-at'
      readonly process: number
      readonly point: JournalPoint | 'after-send'
      readonly nth: number
      readonly downMs: number
    }
  | { readonly type: 'wipe'; readonly process: number; readonly downMs: number }
  | { readonly type: 'flip'; readonly process: number; readonly downMs: number }
  | { readonly type: 'storm'; readonly downMs: readonly number[] }
  | { readonly type: 'stall'; readonly process: number; readonly forMs: number }
  | { readonly type: 'cut'; readonly ways: readonly (readonly [from: number, to: number])[]; readonly forMs: number }
  | { readonly type: 'reset'; readonly a: number; readonly b: number }
  | { readonly type: 'jump'; readonly process: number; readonly byMs: number }
  | { readonly type: 'slow'; readonly process: number; readonly byMs: number; readonly forMs: number }
  | { readonly type: 'sync-fails'; readonly process: number }
  | { readonly type: 'disk-full'; readonly process: number; readonly forMs: number }
  /** The peers of a twin's two copies change. */
  | { readonly type: 'remask'; readonly member: number; readonly side: readonly number[] }

export interface PlanInput {
  readonly n: number
  readonly classes: readonly FaultClass[]
  /** Members that lose their disk or what it held, once: with the liars they weigh F at most. */
  readonly wiped: readonly number[]
  /** Silenced as a whole elsewhere; nothing else happens to the disks then. */
  readonly overBudget: readonly number[]
  readonly lying: readonly LiarOptions[]
}

const LAST_MS = 57_000

/** What goes wrong when: drawn as a list, so that a failing run can be shrunk by leaving entries out. */
export function planFaults(random: SimRandom, input: PlanInput): readonly FaultEvent[] {
  const { n, classes, wiped, lying } = input
  const events: FaultEvent[] = []
  const add = (name: FaultClass, fault: Fault) => events.push({ atMs: random.below(LAST_MS), class: name, ...fault })
  const some = (name: FaultClass, most: number, make: () => Fault) => {
    if (!classes.includes(name)) return
    for (let left = between(random, 1, most); left > 0; left--) add(name, make())
  }
  const process = () => random.below(n)
  const downMs = () => pick(random, [50, 300, 1_000, 5_000]) + random.below(500)
  some('crash', 5, () => ({ type: 'crash', process: process(), downMs: downMs() }))
  some('crash-point', 6, () => ({
    type: 'crash-at',
    process: process(),
    point: pick(random, ['before-append', 'after-append', 'after-sync', 'after-send']),
    nth: between(random, 1, 12),
    downMs: pick(random, [1, 20, 100, 1_000])
  }))
  some('storm', 2, () => ({ type: 'storm', downMs: Array.from({ length: n }, downMs) }))
  some('stall', 8, () => ({
    type: 'stall',
    process: process(),
    forMs: random.chance(0.8) ? between(random, 50, 2_000) : between(random, 2_000, 20_000)
  }))
  some('partition', 4, () => ({ type: 'cut', ways: drawCut(random, n), forMs: between(random, 500, 14_000) }))
  some('clog', 6, () => ({ type: 'cut', ways: [[process(), process()]], forMs: between(random, 10, 10_000) }))
  some('loss', 5, () => ({ type: 'reset', a: process(), b: process() }))
  some('delay', 3, () => ({
    type: 'slow',
    process: process(),
    byMs: between(random, 20, 1_000),
    forMs: between(random, 1_000, 10_000)
  }))
  some('clock', 3, () => ({ type: 'jump', process: process(), byMs: between(random, -2_000, 2_000) }))
  some('disk', 2, () => ({ type: 'sync-fails', process: process() }))
  some('disk', 2, () => ({ type: 'disk-full', process: process(), forMs: between(random, 500, 5_000) }))
  for (const member of wiped) {
    const type = random.chance(0.5) ? 'wipe' : 'flip'
    add('wipe', { type, process: member, downMs: downMs() })
  }
  for (const { member, roles } of lying) {
    if (!roles.includes('twin')) continue
    for (let left = between(random, 1, 4); left > 0; left--) {
      add('byzantine', { type: 'remask', member, side: [...Array(n).keys()].filter(() => random.chance(0.5)) })
    }
  }
  return events.sort((a, b) => a.atMs - b.atMs)
}

type Ways = readonly (readonly [from: number, to: number])[]

/** Halves, two thirds and one, a ring, one alone, one way, or a random set of links. */
function drawCut(random: SimRandom, n: number): Ways {
  const order = shuffled(random, [...Array(n).keys()])
  const all = order.flatMap((a) => order.flatMap((b) => (a === b ? [] : [[a, b] as const])))
  const place = new Map(order.map((process, i) => [process, i] as const))
  const side = (process: number, cut: number) => (place.get(process) ?? 0) < cut
  const split = (cut: number) => all.filter(([a, b]) => side(a, cut) !== side(b, cut))
  switch (random.below(6)) {
    case 0:
      return split(n >> 1)
    case 1:
      return split(Math.ceil((2 * n) / 3))
    case 2:
      return all.filter(([a, b]) => {
        const distance = Math.abs((place.get(a) ?? 0) - (place.get(b) ?? 0))
        return distance !== 1 && distance !== n - 1
      })
    case 3:
      return split(1)
    case 4:
      return all.filter(([a, b]) => side(a, n >> 1) && !side(b, n >> 1))
    default:
      return all.filter(() => random.chance(0.4))
  }
}
