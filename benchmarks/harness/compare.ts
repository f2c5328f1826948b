import { calibrate, drift } from './calibration.ts'
import { bootstrapInterval, median, quantile, type Round, shuffled } from './statistics.ts'

/** One side of a comparison: does some work and says how many operations it was. */
export interface Side {
  readonly name: string
  readonly run: () => number
}

/** Operations per CPU second of one batch each; `ratio` is the first side's median over the second's. */
export interface Comparison {
  readonly sides: readonly {
    readonly name: string
    readonly p10: number
    readonly median: number
    readonly p99: number
  }[]
  readonly ratio: number
  /** 95 %, bootstrap over rounds. */
  readonly ratioInterval: readonly [low: number, high: number]
  readonly drift: number
  readonly verdict: 'pass' | 'fail' | 'inconclusive'
}

/** Batches of one side in a row stay below a neighbor's bursts; both sides meet the same ones. */
const BATCH_MS = 100
const WARM_UP_BATCHES_MAX = 50

/** testing.md 9: more than this and nothing was shown. */
const DRIFT_MAX = 0.15
const INTERVAL_MAX = 0.1

/**
 * Runs two ways of doing the same in one process, in random order within each round, and compares
 * operations per CPU second: a process that had to wait for a core has not worked.
 *
 * @param bar - least ratio of the first side to the second
 */
export function compare(first: Side, second: Side, bar: number, seconds: number, random: () => number): Comparison {
  const start = calibrate()
  for (const side of [first, second]) warmUp(side)
  const rounds: Round[] = []
  for (let i = 0; i < Math.max(3, (seconds * 1_000) / (2 * BATCH_MS)); i++) {
    const rates = new Map(shuffled([first, second], random).map((side) => [side, batch(side)]))
    rounds.push([[rates.get(first) ?? 0], [rates.get(second) ?? 0]])
  }
  const ratioOf = ([a = [], b = []]: readonly (readonly number[])[]) => median(a) / median(b)
  const ratioInterval = bootstrapInterval(rounds, ratioOf, random)
  const sides = [first, second].map(({ name }, side) => {
    const rates = rounds.map((round) => round[side]?.[0] ?? 0)
    return { name, p10: quantile(rates, 0.1), median: median(rates), p99: quantile(rates, 0.99) }
  })
  const ratio = (sides[0]?.median ?? 0) / (sides[1]?.median ?? 0)
  const moved = drift(start, calibrate())
  return { sides, ratio, ratioInterval, drift: moved, verdict: verdictOf(ratio, ratioInterval, moved, bar) }
}

function verdictOf(
  ratio: number,
  [low, high]: readonly [number, number],
  moved: number,
  bar: number
): Comparison['verdict'] {
  if (moved > DRIFT_MAX || (high - low) / ratio > INTERVAL_MAX) return 'inconclusive'
  return ratio >= bar ? 'pass' : 'fail'
}

/** Until three batches agree within 5 %, as compilers take their time. */
function warmUp(side: Side): void {
  const rates: number[] = []
  while (rates.length < WARM_UP_BATCHES_MAX) {
    rates.push(batch(side))
    const last = rates.slice(-3)
    if (last.length === 3 && Math.max(...last) / Math.min(...last) < 1.05) return
  }
}

/** Operations per CPU second. */
function batch({ run }: Side): number {
  const before = process.cpuUsage()
  let operations = 0
  let usedMs = 0
  while (usedMs < BATCH_MS) {
    operations += run()
    const { user, system } = process.cpuUsage(before)
    usedMs = (user + system) / 1_000
  }
  return (operations / usedMs) * 1_000
}
