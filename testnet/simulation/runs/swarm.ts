import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import type { Tier } from './tiers.ts'

/** What one seed came to, small enough to be sent by the million. */
export interface SeedReport {
  readonly number: number
  readonly seed: string
  readonly violation: { readonly check: string; readonly atUs: number; readonly what: string } | null
  readonly hash: string
  readonly virtualMs: number
  readonly events: number
  readonly cpuMs: number
  readonly isStable: boolean
  /** What a replay shows besides. */
  readonly more?: object
}

/** A run other than the one its seed draws. */
export interface Given {
  /** 32 hex digits. */
  readonly seed: string
  readonly options?: unknown
  readonly untilMs?: number | undefined
  /** A file for everything that happens. */
  readonly trace?: string | undefined
}

export interface Task {
  readonly numbers: readonly number[]
  readonly mutant: string | null
  readonly given?: Given | undefined
  /** Each run is made again and must be the same. */
  readonly twice?: boolean
}

export interface SwarmOptions {
  readonly tier: Tier
  readonly numbers: readonly number[]
  readonly jobs: number
  readonly mutant?: string | null
  readonly given?: Given
  readonly twice?: boolean
  /** False ends the swarm: no further seed is begun. */
  readonly onReport: (report: SeedReport) => boolean
}

/** Runs seeds in worker processes, in any order; resolves when all are done or nothing more is wanted. */
export async function runSwarm(options: SwarmOptions): Promise<void> {
  const { tier, numbers, jobs, mutant = null, given, twice = false, onReport } = options
  const waiting = [...numbers]
  let isWanted = true
  const serve = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = fork(tier.worker, [], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc']
      })
      const next = () => {
        const task: Task = { numbers: waiting.splice(0, tier.batch), mutant, given, twice }
        if (task.numbers.length > 0 && isWanted) worker.send(task)
        else worker.disconnect()
      }
      worker.on('message', (reports: readonly SeedReport[]) => {
        for (const report of reports) if (isWanted) isWanted = onReport(report)
        next()
      })
      worker.on('error', reject)
      worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))))
      next()
    })
  const count = Math.max(1, Math.min(jobs, Math.ceil(numbers.length / tier.batch)))
  await Promise.all(Array.from({ length: count }, serve))
}

/** One run in a process of its own. */
export async function runAlone(tier: Tier, given: Given, mutant: string | null = null): Promise<SeedReport> {
  const reports: SeedReport[] = []
  const onReport = (report: SeedReport) => reports.push(report) > 0
  await runSwarm({ tier, numbers: [0], jobs: 1, mutant, given, onReport })
  const [report] = reports
  if (report === undefined) throw new Error('the worker ended without a word')
  return report
}

/** One hash over all runs, whatever the order in which they ended. */
export function hashOfRuns(reports: readonly SeedReport[]): string {
  const hash = createHash('sha256')
  for (const report of reports.toSorted((a, b) => a.number - b.number)) hash.update(report.hash)
  return hash.digest('hex')
}
