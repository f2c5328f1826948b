import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { calibrate, drift } from '../harness/calibration.ts'
import { selfTimes } from '../harness/cpu-profile.ts'
import { describeCommit, describeMachine } from '../harness/machine.ts'
import { renderTable } from '../harness/table.ts'
import { judge } from './bars.ts'
import type { Profile } from './distances.ts'
import { type Effort, measure, PROFILED } from './measure.ts'
import { type Binding, variantsOf } from './plan.ts'
import { plotConsensus, subtitleOf } from './plot.ts'
import { barsTableOf, tableOf } from './report.ts'
import type { ConsensusFile, ConsensusResult } from './result.ts'

export interface ConsensusOptions {
  readonly sizes: readonly number[]
  /** Processes for the members of one size; default one each up to `PROCESSES_MAX`, beyond that one for all. */
  readonly processes: number | undefined
  /** How far members are from each other. */
  readonly profile: Profile
  readonly bindings: readonly Binding[]
  readonly journals: readonly boolean[]
  readonly effort: Effort
  /** Folder for results, logs and profiles. */
  readonly out: string
  /** Where the JSON goes; default `consensus.json` in `out`. */
  readonly json: string | undefined
  readonly cpuProfile: boolean
  readonly say: (line: string) => void
  /** What is being done, for whoever waits. */
  readonly progress: (line: string) => void
}

const PROFILE_ROWS = 15

/** More Node processes do not fit one machine: 16 GiB, and minutes to start. */
export const PROCESSES_MAX = 31

/** Measures, prints, and writes the JSON and the plot. */
export async function benchConsensus(options: ConsensusOptions): Promise<ConsensusFile> {
  const { say, bindings, journals } = options
  const out = resolve(options.out)
  await mkdir(out, { recursive: true })
  const machine = describeMachine()
  const start = calibrate()
  const results: ConsensusResult[] = []
  for (const n of options.sizes) {
    const measured = await measureOne(n, options, out)
    results.push(...measured)
    say(`${tableOf(measured)}\n`)
  }
  const end = calibrate()
  const calibration = { start, end, drift: drift(start, end) }
  const verdict = judge(results, {
    cores: machine.cores,
    calibration: start,
    drift: calibration.drift,
    profile: options.profile
  })
  const file: ConsensusFile = {
    machine,
    profile: options.profile,
    commit: describeCommit(),
    at: new Date().toISOString(),
    calibration,
    verdict,
    results
  }
  if (verdict.bars.length > 0) say(`${barsTableOf(verdict.bars, calibration.drift)}\n`)
  await write(file, out, options)
  if (options.cpuProfile)
    for (const n of options.sizes) await sayProfiles(n, out, variantsOf(n, bindings, journals), say)
  say(`verdict: ${[verdict.verdict, ...verdict.reasons].join('; ')}`)
  return file
}

async function measureOne(n: number, options: ConsensusOptions, out: string): Promise<readonly ConsensusResult[]> {
  const { profile, bindings, journals, effort, cpuProfile, progress } = options
  // Beside the results, so that syncs meet a disk: the system's temporary folder may well be memory.
  const folder = await mkdtemp(join(out, 'data-'))
  const variants = variantsOf(n, bindings, journals)
  const processes = Math.min(n, options.processes ?? (n > PROCESSES_MAX ? 1 : n))
  try {
    return await measure({
      n,
      processes,
      profile,
      variants,
      effort,
      folder,
      out,
      cpuProfile,
      random: Math.random,
      progress
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function write(file: ConsensusFile, out: string, { json, say }: ConsensusOptions): Promise<void> {
  const jsonPath = resolve(json ?? join(out, 'consensus.json'))
  const plotPath = join(out, 'consensus.svg')
  await mkdir(dirname(jsonPath), { recursive: true })
  await writeFile(jsonPath, `${JSON.stringify(file, null, 2)}\n`)
  await writeFile(plotPath, plotConsensus(file.results, subtitleOf([file])))
  say(`written: ${jsonPath}, ${plotPath}`)
}

async function sayProfiles(
  n: number,
  out: string,
  variants: readonly { readonly name: string }[],
  say: (line: string) => void
): Promise<void> {
  for (const { name } of variants) {
    for (const load of PROFILED) {
      const path = join(out, `n${n}-${name}-${load}.cpuprofile`)
      const rows = selfTimes(JSON.parse(await readFile(path, 'utf8'))).slice(0, PROFILE_ROWS)
      say(
        `${path}\n${renderTable(
          ['self %', 'ms', 'function', 'where'],
          rows.map((row) => [row.share * 100, row.selfMs, row.name, row.where])
        )}\n`
      )
    }
  }
}
