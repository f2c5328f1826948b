import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunOptions } from '../faults/options.ts'
import type { WholeOptions } from '../whole/options.ts'
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

/** The same of whole groups. */
export type WholeRegression = Omit<Regression, 'options'> & { readonly options: WholeOptions }

const FOLDER = join(import.meta.dirname, '../regressions')

export const regressions = (): readonly Regression[] => read<Regression>(FOLDER)
export const wholeRegressions = (): readonly WholeRegression[] => read<WholeRegression>(join(FOLDER, 'actors'))

function read<T>(folder: string): readonly T[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return names.sort().map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as T)
}

export function rerun({ seed, options }: Regression): RunResult {
  return runSeed({ seed: Uint8Array.from(Buffer.from(seed, 'hex')), options })
}
