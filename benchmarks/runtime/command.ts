import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { calibrate, drift } from '../harness/calibration.ts'
import { describeCommit, describeMachine } from '../harness/machine.ts'
import { benchCompare } from './compare/compare.ts'
import { benchCold, benchJournal } from './disk.ts'
import { benchGroup } from './group.ts'
import { benchAsk, benchTell } from './local.ts'
import { benchMemory } from './memory.ts'
import type { RuntimePart } from './parts.ts'
import { benchRemote } from './remote.ts'
import { type Row, rowsTable } from './result.ts'

const PARTS: Readonly<Record<RuntimePart, (seconds: number, out: string) => Promise<readonly Row[]>>> = {
  tell: benchTell,
  ask: benchAsk,
  journal: benchJournal,
  cold: benchCold,
  remote: benchRemote,
  memory: benchMemory,
  bft: benchGroup,
  compare: benchCompare
}

export interface RuntimeOptions {
  readonly parts: readonly RuntimePart[]
  readonly seconds: number
  readonly out: string
  readonly json: string | undefined
  readonly say: (line: string) => void
  readonly progress: (line: string) => void
}

export interface RuntimeFile {
  readonly results: readonly Row[]
  readonly drift: number
}

/** What actors cost, part by part, each beside its floor in the same seconds. */
export async function benchRuntime(options: RuntimeOptions): Promise<RuntimeFile> {
  const { parts, seconds, say, progress } = options
  const start = calibrate()
  const results: Row[] = []
  for (const part of parts) {
    progress(part)
    results.push(...(await PARTS[part](seconds, options.out)))
  }
  const file = {
    machine: describeMachine(),
    commit: describeCommit(),
    at: new Date().toISOString(),
    drift: drift(start, calibrate()),
    results
  }
  const path = resolve(options.json ?? join(options.out, 'actors.json'))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${JSON.stringify(file, null, 2)}\n`)
  say(`${rowsTable(results)}\n`)
  for (const { name, note } of results) if (note !== undefined) say(`${name}: ${note}`)
  say(`written: ${path}; the machine's speed changed by ${Math.round(file.drift * 100)} % meanwhile`)
  return file
}
