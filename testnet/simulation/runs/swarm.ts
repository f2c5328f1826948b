import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { Violation } from '../oracle/oracle.ts'

/** What one seed came to, small enough to be sent by the million. */
export interface SeedReport {
  readonly number: number
  readonly seed: string
  readonly violation: Violation | null
  readonly hash: string
  readonly virtualMs: number
  readonly events: number
  readonly cpuMs: number
  readonly isStable: boolean
}

export interface Task {
  readonly numbers: readonly number[]
  readonly mutant: string | null
}

export interface SwarmOptions {
  readonly numbers: readonly number[]
  readonly jobs: number
  readonly mutant?: string | null
  /** False ends the swarm: no further seed is begun. */
  readonly onReport: (report: SeedReport) => boolean
}

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url))
/** Seeds given to a worker at a time: enough to hide the way there and back. */
const BATCH = 8

/** Runs seeds in worker processes, in any order; resolves when all are done or nothing more is wanted. */
export async function runSwarm({ numbers, jobs, mutant = null, onReport }: SwarmOptions): Promise<void> {
  const waiting = [...numbers]
  let isWanted = true
  const serve = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = fork(WORKER, [], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc']
      })
      const next = () => {
        const task: Task = { numbers: waiting.splice(0, BATCH), mutant }
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
  const count = Math.max(1, Math.min(jobs, Math.ceil(numbers.length / BATCH)))
  await Promise.all(Array.from({ length: count }, serve))
}

/** One hash over all runs, whatever the order in which they ended. */
export function hashOfRuns(reports: readonly SeedReport[]): string {
  const hash = createHash('sha256')
  for (const report of reports.toSorted((a, b) => a.number - b.number)) hash.update(report.hash)
  return hash.digest('hex')
}
