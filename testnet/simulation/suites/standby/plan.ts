import { between, pick, type Streams } from '../../world/streams.ts'

/** Time in which things go wrong, and time in which all must come to rest. */
export const RUN_MS = 60_000
export const CALM_MS = 40_000
export const PROCESSES = 3

/** `holder` is whoever holds the actor at that time, `last` whom the fault before it struck. */
export type Target = 'holder' | 'last' | number

export type What =
  /** Stopped and continued: nothing is handled, and then all of it. `sleeps`: with the machine, and its clock. */
  | { readonly kind: 'pause'; readonly forMs: number; readonly sleeps: boolean; readonly readsFirst: boolean }
  /** The process is gone, and comes back; without its disk if `wipes`. */
  | { readonly kind: 'kill'; readonly forMs: number; readonly wipes: boolean }
  /** From these; from the placement group too if `group`. */
  | { readonly kind: 'cut'; readonly forMs: number; readonly from: 'all' | 'none' | number; readonly group: boolean }
  /** Its disk takes so long. */
  | { readonly kind: 'slow'; readonly forMs: number; readonly syncMs: number }
  /** Someone there wants it elsewhere. */
  | { readonly kind: 'hand' }

export interface Fault {
  readonly atMs: number
  readonly target: Target
  readonly what: What
}

export interface Plan {
  readonly faults: readonly Fault[]
  /** One fault of the holder and nothing else: someone else must lead 12 s later. */
  readonly mustTakeWithinMs: number | null
  /** What the group takes for an order, and when it is out of everyone's reach. */
  readonly orderMs: number
  readonly outages: readonly (readonly [fromMs: number, toMs: number])[]
  /** In this share of all orders the answer is lost. */
  readonly lostAnswers: number
  readonly delayMs: number
  readonly syncMs: number
  /** Of each process: what its clocks show at the start, and how wrong they go. */
  readonly clocks: readonly { readonly offsetMs: number; readonly ppm: number }[]
  readonly eventEveryMs: number
  readonly readEveryMs: number
}

/** actors.md 13. */
const TAKEOVER_MS = 12_000

/** What is tried: one fault and a deadline; anything; and what only happens when things meet. */
const STORIES = ['clean', 'clean', 'many', 'duel', 'quiet', 'quiet', 'blackout', 'laggard'] as const

export function drawPlan({ options, faults }: Streams): Plan {
  const story = pick(options, STORIES)
  const isClean = story === 'clean'
  return {
    faults: tell(story, faults),
    mustTakeWithinMs: isClean ? TAKEOVER_MS : null,
    orderMs: isClean ? 300 : story === 'duel' ? pick(options, [300, 1_500]) : pick(options, [50, 300, 1_500]),
    outages: story === 'many' && options.below(2) === 0 ? [outage(options)] : [],
    lostAnswers: isClean ? 0 : story === 'duel' ? 0.5 : pick(options, [0, 0, 0.1, 0.3]),
    delayMs: story === 'quiet' ? 80 : pick(options, [2, 20, 80]),
    syncMs: pick(options, [1, 10, 60]),
    clocks: Array.from({ length: PROCESSES }, () => ({
      offsetMs: options.below(10_000_000),
      ppm: between(options, -10_000, 10_000)
    })),
    eventEveryMs: story === 'quiet' ? 3_100 : pick(options, [60, 250, 900, 4_500]),
    readEveryMs: story === 'quiet' ? 50 : pick(options, [100, 700])
  }
}

function tell(story: (typeof STORIES)[number], random: Streams['faults']): readonly Fault[] {
  switch (story) {
    case 'clean':
      return [cleanFault(random)]
    case 'many':
      return manyFaults(random)
    case 'duel':
      return duel(random)
    case 'quiet':
      return quiet(random)
    case 'blackout':
      return blackout(random)
    case 'laggard':
      return laggard(random)
  }
}

/** Holders that stop just long enough for others to ask for their place, and links that break when they come back. */
function duel(random: Streams['faults']): readonly Fault[] {
  const list: Fault[] = []
  for (let atMs = 8_000; atMs < RUN_MS - 20_000; atMs += between(random, 14_000, 18_000)) {
    const forMs = between(random, 7_500, 10_500)
    const pause: What = { kind: 'pause', forMs, sleeps: random.below(3) === 0, readsFirst: random.below(2) === 0 }
    list.push({ atMs, target: 'holder', what: pause })
    const from = random.below(2) === 0 ? 'all' : random.below(PROCESSES)
    const cutMs = atMs + (random.below(2) === 0 ? between(random, 20, 3_000) : forMs + between(random, 0, 600))
    list.push({
      atMs: cutMs,
      target: 'last',
      what: { kind: 'cut', forMs: between(random, 3_000, 9_000), from, group: false }
    })
    const group = random.below(2) === 0
    if (group) {
      const what: What = { kind: 'cut', forMs: between(random, 2_000, 9_000), from: 'none', group }
      list.push({ atMs: atMs + between(random, 0, 8_000), target: random.below(PROCESSES), what })
    }
  }
  return list.sort((a, b) => a.atMs - b.atMs)
}

/** Few events and many reads, at a holder that others cannot reach and do not need. */
function quiet(random: Streams['faults']): readonly Fault[] {
  const list: Fault[] = []
  for (let atMs = between(random, 7_000, 8_000); atMs < RUN_MS - 20_000; atMs += between(random, 17_000, 19_000)) {
    const cut: What = { kind: 'cut', forMs: 14_000, from: 'all', group: true }
    if (random.below(2) === 0) {
      list.push({ atMs, target: 'holder', what: cut })
      continue
    }
    const forMs = between(random, 8_500, 10_500)
    list.push({ atMs, target: 'holder', what: { kind: 'pause', forMs, sleeps: false, readsFirst: false } })
    list.push({ atMs: atMs + between(random, 80, 250), target: 'last', what: cut })
  }
  return list
}

/** Power is cut while disks are slow, and the holder is the last to come back. */
function blackout(random: Streams['faults']): readonly Fault[] {
  const list: Fault[] = []
  for (let atMs = 6_000; atMs < RUN_MS - 30_000; atMs += 22_000) {
    const slow: What = { kind: 'slow', forMs: 5_000, syncMs: pick(random, [300, 900, 1_800]) }
    list.push({ atMs, target: random.below(PROCESSES), what: slow })
    const atOnceMs = atMs + between(random, 500, 4_500)
    list.push({ atMs: atOnceMs, target: 'holder', what: { kind: 'kill', forMs: 16_000, wipes: false } })
    for (const target of Array.from({ length: PROCESSES }, (_, index) => index)) {
      const isOn = random.below(4) === 0
      if (!isOn)
        list.push({ atMs: atOnceMs, target, what: { kind: 'kill', forMs: between(random, 100, 900), wipes: false } })
    }
  }
  return list
}

/** One is behind, is dropped and comes back, and holders die meanwhile. */
function laggard(random: Streams['faults']): readonly Fault[] {
  const list: Fault[] = []
  for (let atMs = 4_000; atMs < RUN_MS - 10_000; atMs += between(random, 4_000, 8_000)) {
    const syncMs = pick(random, [600, 1_600, 2_600, 4_000])
    list.push({ atMs, target: random.below(PROCESSES), what: { kind: 'slow', forMs: 5_000, syncMs } })
    const kill: What = { kind: 'kill', forMs: between(random, 1_000, 12_000), wipes: false }
    if (random.below(2) === 0) list.push({ atMs: atMs + between(random, 0, 6_000), target: 'holder', what: kill })
  }
  return list.sort((a, b) => a.atMs - b.atMs)
}

function outage(random: Streams['options']): readonly [number, number] {
  const fromMs = between(random, 5_000, RUN_MS - 10_000)
  return [fromMs, fromMs + between(random, 1_000, 9_000)]
}

/** All were in step for a while when it comes. */
function cleanFault(random: Streams['faults']): Fault {
  const forMs = pick(random, [16_000, 30_000])
  const what = pick<What>(random, [
    { kind: 'pause', forMs, sleeps: false, readsFirst: random.below(2) === 0 },
    { kind: 'pause', forMs, sleeps: true, readsFirst: random.below(2) === 0 },
    { kind: 'kill', forMs, wipes: random.below(2) === 0 },
    { kind: 'cut', forMs, from: 'all', group: true }
  ])
  return { atMs: between(random, 10_000, 20_000), target: 'holder', what }
}

function manyFaults(random: Streams['faults']): readonly Fault[] {
  const list: Fault[] = []
  // Of more than one of the copies that were told of something, nobody promised that it is kept.
  let mayWipe = true
  for (let count = between(random, 1, 9); count > 0; count -= 1) {
    const target: Target = random.below(2) === 0 ? 'holder' : random.below(PROCESSES)
    const what = drawWhat(random, mayWipe)
    if (what.kind === 'kill' && what.wipes) mayWipe = false
    list.push({ atMs: between(random, 1_000, RUN_MS - 10_000), target, what })
  }
  return list.sort((a, b) => a.atMs - b.atMs)
}

function drawWhat(random: Streams['faults'], mayWipe: boolean): What {
  const forMs = pick(random, [300, 1_500, 3_000, 6_500, 9_000, 20_000, 30_000])
  const readsFirst = random.below(2) === 0
  switch (random.below(7)) {
    case 0:
      return { kind: 'pause', forMs, sleeps: false, readsFirst }
    case 1:
      return { kind: 'pause', forMs, sleeps: true, readsFirst }
    case 2:
      return { kind: 'kill', forMs: Math.min(forMs, 9_000), wipes: mayWipe && random.below(2) === 0 }
    case 3:
      return { kind: 'cut', forMs, from: 'all', group: random.below(2) === 0 }
    case 4:
      return { kind: 'cut', forMs, from: random.below(PROCESSES), group: random.below(3) === 0 }
    case 5:
      return { kind: 'slow', forMs, syncMs: pick(random, [300, 1_500, 4_000]) }
    default:
      return { kind: 'hand' }
  }
}
