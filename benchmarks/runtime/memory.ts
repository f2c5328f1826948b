import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Row, row } from './result.ts'

const MAIN = fileURLToPath(new URL('memory-main.ts', import.meta.url))

/** What is weighed, in order. The bars are those of actors.md 13. */
const WEIGHED = [
  { kind: 'resident', name: 'resident counter', count: 200_000, bar: 5_000 },
  // Of fewer one weighs what the engine's heap grew by while they were spawned: 316 B of each are in use.
  { kind: 'packed', name: 'passive volatile counter', count: 1_000_000, bar: 1_000 },
  // Of fewer one weighs what LevelDB's caches and buffers grew by.
  { kind: 'durable', name: 'passive durable counter', count: 1_000_000, bar: 64 }
] as const

export type Weighed = (typeof WEIGHED)[number]['kind']

/** What memory-main.ts prints. */
export interface Weight {
  /** RSS, of one. */
  readonly bytesEach: number
  /** RSS of the process with all of them. */
  readonly totalBytes: number
}

/** What a counter weighs in memory, in a process of its own: resident, packed while it rests, on disk while it rests. */
export async function benchMemory(): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const { kind, name, count, bar } of WEIGHED) {
    const { bytesEach, totalBytes } = await weigh(kind, count)
    rows.push({
      ...row(`${name}, ${Math.round(bytesEach)} B of RSS each`, null),
      bytesEach,
      bar: `<= ${bar} B`,
      verdict: bytesEach <= bar ? 'pass' : 'fail',
      note: `${count} in a process of ${Math.round(totalBytes / 1e6)} MB`
    })
  }
  return rows
}

async function weigh(kind: Weighed, count: number): Promise<Weight> {
  const args = ['--expose-gc', MAIN, kind, String(count)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as Weight
}
