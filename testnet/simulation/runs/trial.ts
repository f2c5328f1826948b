import { MUTANTS } from '../mutants/all.ts'
import { regressions, rerun } from './regressions.ts'
import { hashOfRuns, runSwarm, type SeedReport } from './swarm.ts'

/** What came of a swarm. */
export interface SwarmResult {
  readonly seeds: number
  readonly violations: number
  readonly virtualSecondsPerSecond: number
  readonly hash: string
}

export interface Caught {
  readonly mutant: string
  /** Seeds run until one noticed; null where none did. */
  readonly seeds: number | null
  readonly check: string | null
}

export interface TrialOptions {
  readonly from: number
  readonly count: number
  readonly jobs: number
  readonly say: (line: string) => void
}

/** Seeds of the gate: within these every mutant must be caught. */
export const GATE_SEEDS = 300

/** Runs a swarm and tells of what failed, each with the line that replays it. */
export async function trySeeds({
  from,
  count,
  jobs,
  say
}: TrialOptions): Promise<{ result: SwarmResult; reports: readonly SeedReport[] }> {
  let violations = 0
  for (const regression of regressions()) {
    const { violation } = rerun(regression)
    if (violation === null) continue
    violations += 1
    say(`regression ${regression.name}: ${violation.check}: ${violation.what}`)
  }
  const reports: SeedReport[] = []
  const startMs = performance.now()
  const numbers = Array.from({ length: count }, (_, i) => from + i)
  await runSwarm({
    numbers,
    jobs,
    onReport: (report) => {
      reports.push(report)
      if (report.violation === null && report.isStable) return true
      violations += 1
      const { check, what } = report.violation ?? { check: 'determinism', what: 'the same seed gave two hashes' }
      say(`seed ${report.number}: ${check}: ${what}`)
      say(`  replay: npm run sim -- --seed ${report.seed}`)
      return true
    }
  })
  const wallS = (performance.now() - startMs) / 1_000
  const virtualS = reports.reduce((sum, { virtualMs }) => sum + virtualMs, 0) / 1_000
  const result = {
    seeds: reports.length,
    violations,
    virtualSecondsPerSecond: Math.round(virtualS / wallS),
    hash: hashOfRuns(reports)
  }
  return { result, reports }
}

/** Runs the seeds of the gate against every mutant until one of them notices. */
export async function tryMutants({ count, jobs, say }: Omit<TrialOptions, 'from'>): Promise<readonly Caught[]> {
  const caught: Caught[] = []
  for (const { name } of MUTANTS) {
    let first: SeedReport | null = null
    let run = 0
    await runSwarm({
      numbers: Array.from({ length: count }, (_, i) => i),
      jobs,
      mutant: name,
      onReport: (report) => {
        run += 1
        if (report.violation !== null) first = report
        return first === null
      }
    })
    const found = first as SeedReport | null
    caught.push({ mutant: name, seeds: found === null ? null : run, check: found?.violation?.check ?? null })
    say(
      `${found === null ? 'NOT CAUGHT' : `caught after ${String(run).padStart(3)} seeds by ${found.violation?.check}`}: ${name}`
    )
  }
  const seeds = caught.flatMap((entry) => entry.seeds ?? []).sort((a, b) => a - b)
  say(`median seeds to detection: ${seeds[seeds.length >> 1] ?? '-'}; ${seeds.length} of ${caught.length} caught`)
  return caught
}
