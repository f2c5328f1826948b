import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { SimRandom } from '@brume/testkit'
import type { RunOptions } from '../faults/options.ts'

/** Median round trips between regions, ms: outside of the repository, and not everywhere. */
const TABLE = process.env.BRUME_VECTORS ?? resolve(import.meta.dirname, '../../../../shared/vectors')
const FILE = 'aws-latency-p50-ms.json'

/** Where the members of the wide-area run stand (quorum.md 16.2). */
export const REGIONS = [
  'us-west-1',
  'us-east-1',
  'eu-west-1',
  'ap-northeast-1',
  'eu-north-1',
  'ap-south-1',
  'sa-east-1',
  'eu-central-1',
  'ap-northeast-2',
  'ap-southeast-2'
] as const

type Table = Readonly<Record<string, Readonly<Record<string, number>>>>

let table: Table | null | undefined

/** Round trips by region, or null where the table is absent. */
export function awsTable(): Table | null {
  if (table !== undefined) return table
  const path = resolve(TABLE, FILE)
  table = existsSync(path) ? ((JSON.parse(readFileSync(path, 'utf8')) as { data: Table }).data ?? null) : null
  return table
}

/** One-way delay between two regions, µs: half the round trip. */
export function awsDelayUs(regions: Table, from: string, to: string): number {
  return Math.round(((regions[from]?.[to] ?? regions[to]?.[from] ?? 0) / 2) * 1_000)
}

/** One-way delays between processes, without jitter. The AWS matrix counts as a mean delay where its table is absent. */
export function delaysOf(
  { meanUs, spreadUs, aws }: RunOptions['delay'],
  size: number,
  random: SimRandom
): (from: number, to: number) => number {
  const regions = aws ? awsTable() : null
  const places = Array.from({ length: size }, () => REGIONS[random.below(REGIONS.length)] ?? REGIONS[0])
  const means = Array.from({ length: size * size }, () => meanUs - spreadUs + random.below(2 * spreadUs + 1))
  if (regions !== null) return (from, to) => awsDelayUs(regions, places[from] ?? '', places[to] ?? '')
  return (from, to) => means[from * size + to] ?? meanUs
}
