import { BenchError } from './errors.ts'

/** Milliseconds at the middle and at the tail. */
export interface Percentiles {
  readonly p50: number
  readonly p99: number
}

/** The value below which `share` (0 to 1) of the samples lie, nearest rank. Throws `BRUME_BENCH_NO_SAMPLES` of none. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = Float64Array.from(samples).sort()
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  if (value === undefined) throw new BenchError('BRUME_BENCH_NO_SAMPLES', 'nothing was measured: let it run longer')
  return value
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5)
}

export function percentiles(samples: readonly number[]): Percentiles {
  return { p50: quantile(samples, 0.5), p99: quantile(samples, 0.99) }
}

/** Enough that the ends of a 95 % interval move by less than its width's tenth from run to run. */
const RESAMPLES = 1_000

/** One slice of each series, taken close to each other in time. */
export type Round = readonly (readonly number[])[]

/**
 * A 95 % bootstrap interval (percentile method; Efron 1979) of a statistic of several series that took turns.
 * Whole rounds are drawn: the samples of a round share the noise of their seconds, and drawing them one by one,
 * or the series apart from each other, would treat that noise as if it were their own.
 *
 * @param statistic - of all samples of each series, in the order they have in a round
 * @param random - uniform in [0, 1)
 */
export function bootstrapInterval(
  rounds: readonly Round[],
  statistic: (pooled: readonly (readonly number[])[]) => number,
  random: () => number
): readonly [low: number, high: number] {
  const draw = (): readonly Round[] => rounds.map(() => rounds[Math.floor(random() * rounds.length)] ?? [])
  const values = Array.from({ length: RESAMPLES }, () => statistic(pool(draw())))
  return [quantile(values, 0.025), quantile(values, 0.975)]
}

/** All samples of each series. */
export function pool(rounds: readonly Round[]): readonly (readonly number[])[] {
  const [first = []] = rounds
  return first.map((_, series) => rounds.flatMap((round) => round[series] ?? []))
}

/** The same things in random order, so that no series always runs after the same other. */
export function shuffled<T>(things: readonly T[], random: () => number): readonly T[] {
  const keyed = things.map((thing) => ({ thing, at: random() }))
  return keyed.sort((a, b) => a.at - b.at).map(({ thing }) => thing)
}
