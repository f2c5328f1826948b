import { regressions, rerun, wholeRegressions } from './regressions.ts'
import { hashOfRuns, runAlone, runSwarm, type SeedReport } from './swarm.ts'
import { CORE, type Tier } from './tiers.ts'

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
  readonly tier: Tier
  readonly from: number
  readonly count: number
  readonly jobs: number
  readonly say: (line: string) => void
}

/** Seeds of the gate: within these every mutant must be caught. A whole group costs a hundred times what its reducers do. */
export const GATE_SEEDS = 300
export const WHOLE_GATE_SEEDS = 10

/** Failures that were fixed, each told of if it is back; how many are. */
async function tryRegressions(tier: Tier, say: TrialOptions['say']): Promise<number> {
  let violations = 0
  const told = (name: string, violation: SeedReport['violation']) => {
    if (violation === null) return
    violations += 1
    say(`regression ${name}: ${violation.check}: ${violation.what}`)
  }
  if (tier === CORE) for (const regression of regressions()) told(regression.name, rerun(regression).violation)
  else for (const one of wholeRegressions()) told(one.name, (await runAlone(tier, one)).violation)
  return violations
}

/** Runs a swarm and tells of what failed, each with the line that replays it. */
export async function trySeeds({
  tier,
  from,
  count,
  jobs,
  say
}: TrialOptions): Promise<{ result: SwarmResult; reports: readonly SeedReport[] }> {
  let violations = await tryRegressions(tier, say)
  const reports: SeedReport[] = []
  const startMs = performance.now()
  const numbers = Array.from({ length: count }, (_, i) => from + i)
  await runSwarm({
    tier,
    numbers,
    jobs,
    onReport: (report) => {
      reports.push(report)
      if (report.violation === null && report.isStable) return true
      violations += 1
      const { check, what } = report.violation ?? { check: 'determinism', what: 'the same seed gave two hashes' }
      say(`seed ${report.number}: ${check}: ${what}`)
      say(`  replay: npm run sim -- ${tier.flags}--seed ${report.seed}`)
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

/** Runs seeds from the first on against every mutant until one of them notices; so many mutants at once. */
export async function tryMutants({ tier, count, jobs, say }: Omit<TrialOptions, 'from'>): Promise<readonly Caught[]> {
  const caught: Caught[] = []
  const waiting = [...tier.mutants]
  const serve = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const one = await tryMutant(tier, name, count)
      caught.push(one)
      const { seeds, check } = one
      say(`${seeds === null ? 'NOT CAUGHT' : `caught after ${String(seeds).padStart(3)} seeds by ${check}`}: ${name}`)
    }
  }
  await Promise.all(Array.from({ length: jobs }, serve))
  const seeds = caught.flatMap((entry) => entry.seeds ?? []).sort((a, b) => a - b)
  say(`median seeds to detection: ${seeds[seeds.length >> 1] ?? '-'}; ${seeds.length} of ${caught.length} caught`)
  return caught
}

async function tryMutant(tier: Tier, name: string, count: number): Promise<Caught> {
  let check: string | null = null
  let run = 0
  await runSwarm({
    tier,
    numbers: Array.from({ length: count }, (_, i) => i),
    jobs: 1,
    mutant: name,
    onReport: (report) => {
      run += 1
      check = report.violation?.check ?? null
      return check === null
    }
  })
  return { mutant: name, seeds: check === null ? null : run, check }
}
