import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** Ten regions of a cloud, as the wide-area figures to compare with were taken in (quorum.md 16.2). */
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

/** Median round trips between regions, ms: outside of the repository, and not everywhere. */
export const LATENCY_TABLE = 'aws-latency-p50-ms.json'
const FOLDER = process.env.BRUME_VECTORS ?? resolve(import.meta.dirname, '../../../shared/vectors')

type Table = Readonly<Record<string, Readonly<Record<string, number>>>>

let known: Table | null | undefined

/** How far regions are apart: those of the table, which are more than ten. */
export interface RegionalDelays {
  knows(region: string): boolean
  /** Half the round trip, ms; 0 where either is not known. */
  oneWayMs(from: string, to: string): number
}

/** Null where the table is not here. */
export function regionalDelays(): RegionalDelays | null {
  known ??= readTable()
  const table = known
  if (table === null) return null
  return {
    knows: (region) => Object.hasOwn(table, region),
    oneWayMs: (from, to) => (table[from]?.[to] ?? table[to]?.[from] ?? 0) / 2
  }
}

/** Members spread over the regions evenly, neighbours by index in one. */
export function regionOf(member: number, members: number): string {
  return REGIONS[Math.floor((member * REGIONS.length) / members)] ?? REGIONS[0]
}

function readTable(): Table | null {
  const path = resolve(FOLDER, LATENCY_TABLE)
  return existsSync(path) ? ((JSON.parse(readFileSync(path, 'utf8')) as { data?: Table }).data ?? null) : null
}
