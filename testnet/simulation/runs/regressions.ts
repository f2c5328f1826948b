import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunOptions } from '../faults/options.ts'
import { type RunResult, runSeed } from './seed-run.ts'

/** A failure that was fixed: it runs first, always. */
export interface Regression {
  readonly name: string
  /** 32 hex digits. */
  readonly seed: string
  readonly options: RunOptions
  /** The check that failed. */
  readonly check: string
  readonly what: string
}

const FOLDER = join(import.meta.dirname, '../regressions')

export function regressions(): readonly Regression[] {
  if (!existsSync(FOLDER)) return []
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.json'))
  return names.sort().map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Regression)
}

export function rerun({ seed, options }: Regression): RunResult {
  return runSeed({ seed: Uint8Array.from(Buffer.from(seed, 'hex')), options })
}
