import type { PipeSettings, SimRandom } from '@brume/testkit'
import { between, pick, type Streams } from '../../world/streams.ts'

/** Processes of a run. The third is where the actor that moves writes to. */
export const PROCESSES = 3
export const RUN_MS = 40_000
/** Longest outage, restarts and redials, and every retry after it. */
export const CALM_MS = 60_000
/** A letter of this number modulo this is one its receiver refuses for good. */
export const REFUSED_EVERY = 17

export type Order =
  | { readonly type: 'tell'; readonly from: string; readonly to: string; readonly ttlMs: number }
  | { readonly type: 'durable'; readonly from: string; readonly to: string }
  | { readonly type: 'ask'; readonly to: string }
  | { readonly type: 'moving' }
  | { readonly type: 'watch'; readonly to: string }
  | { readonly type: 'rebirth'; readonly actor: string }
  | { readonly type: 'flood' }

export type Fault =
  | { readonly type: 'sever'; readonly a: number; readonly b: number }
  | { readonly type: 'split'; readonly alone: number; readonly forMs: number }
  | { readonly type: 'clog'; readonly from: number; readonly to: number; readonly forMs: number }
  | { readonly type: 'kill'; readonly forMs: number }
  /** Dies as soon as it has processed a letter, before anybody is told. */
  | { readonly type: 'ambush'; readonly forMs: number }

export interface Planned<T> {
  readonly atMs: number
  readonly process: number
  readonly what: T
}

export interface Plan {
  readonly pipe: Partial<PipeSettings>
  /** Share of frames at which the receiver ends the stream. */
  readonly resets: number
  readonly mailboxMax: number
  /** Of one event, and of one sync, at most. */
  readonly stepMs: number
  readonly syncMs: number
  readonly orders: readonly Planned<Order>[]
  readonly faults: readonly Planned<Fault>[]
  /** When the actor that moves lives at the second process. */
  readonly movesAtMs: number
}

/** All of a run, from its seed. */
export function drawPlan({ options, faults, workload }: Streams): Plan {
  return {
    pipe: {
      delayMs: between(options, 0, 40),
      jitterMs: between(options, 0, 10),
      loss: pick(options, [0, 0, 0.01, 0.05])
    },
    resets: pick(options, [0, 0, 0.001, 0.01]),
    mailboxMax: pick(options, [2, 8, 64]),
    stepMs: between(options, 1, 20),
    syncMs: between(options, 1, 30),
    orders: drawOrders(workload, options.chance(1 / 20)),
    faults: drawFaults(faults, pick(options, [0, 2, 4, 8])),
    movesAtMs: between(options, 5_000, 30_000)
  }
}

function drawOrders(random: SimRandom, hasFlood: boolean): readonly Planned<Order>[] {
  const orders: Planned<Order>[] = []
  for (let burst = 0; burst < 30; burst += 1) {
    const atMs = random.below(RUN_MS)
    const process = random.below(PROCESSES)
    for (let n = between(random, 1, 8); n > 0; n -= 1)
      orders.push({ atMs: atMs + n, process, what: drawOrder(random, process) })
  }
  if (hasFlood) orders.push({ atMs: random.below(RUN_MS), process: 0, what: { type: 'flood' } })
  return orders.sort((a, b) => a.atMs - b.atMs)
}

function drawOrder(random: SimRandom, process: number): Order {
  const other = (process + 1 + random.below(PROCESSES - 1)) % PROCESSES
  const number = random.below(2)
  const anywhere = `${other} ${pick(random, ['v', 'd'])}${random.below(2)}`
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2:
      return { type: 'durable', from: `d${number}`, to: `${other} d${random.below(2)}` }
    case 3:
    case 4:
      return { type: 'ask', to: anywhere }
    case 5:
      return { type: 'moving' }
    case 6:
      return { type: 'watch', to: `${other} v${number}` }
    case 7:
      return random.chance(0.3) ? { type: 'rebirth', actor: `v${number}` } : { type: 'moving' }
    default:
      return { type: 'tell', from: `v${number}`, to: anywhere, ttlMs: pick(random, [2_000, 5_000, 30_000]) }
  }
}

function drawFaults(random: SimRandom, count: number): readonly Planned<Fault>[] {
  return Array.from({ length: count }, () => {
    const process = random.below(PROCESSES)
    const other = (process + 1 + random.below(PROCESSES - 1)) % PROCESSES
    return { atMs: random.below(RUN_MS), process, what: drawFault(random, process, other) }
  }).sort((a, b) => a.atMs - b.atMs)
}

function drawFault(random: SimRandom, process: number, other: number): Fault {
  switch (random.below(5)) {
    case 0:
      return { type: 'sever', a: process, b: other }
    case 1:
      return { type: 'split', alone: process, forMs: between(random, 500, 25_000) }
    case 2:
      return { type: 'clog', from: process, to: other, forMs: between(random, 100, 20_000) }
    case 3:
      return { type: 'ambush', forMs: between(random, 50, 15_000) }
    default:
      return { type: 'kill', forMs: between(random, 50, 15_000) }
  }
}
