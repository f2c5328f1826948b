import { REGIONS, regionalDelays, type SimRandom } from '@brume/testkit'
import type { RunOptions } from '../faults/options.ts'

/** One-way delays between regions in µs, as the world counts; null where their table is absent. */
export function regionalDelaysUs(): ((from: string, to: string) => number) | null {
  const delays = regionalDelays()
  return delays === null ? null : (from, to) => Math.round(delays.oneWayMs(from, to) * 1_000)
}

/** One-way delays between processes, without jitter. The AWS matrix counts as a mean delay where its table is absent. */
export function delaysOf(
  { meanUs, spreadUs, aws }: RunOptions['delay'],
  size: number,
  random: SimRandom
): (from: number, to: number) => number {
  const delayUs = aws ? regionalDelaysUs() : null
  const places = Array.from({ length: size }, () => REGIONS[random.below(REGIONS.length)] ?? REGIONS[0])
  const means = Array.from({ length: size * size }, () => meanUs - spreadUs + random.below(2 * spreadUs + 1))
  if (delayUs !== null) return (from, to) => delayUs(places[from] ?? '', places[to] ?? '')
  return (from, to) => means[from * size + to] ?? meanUs
}
