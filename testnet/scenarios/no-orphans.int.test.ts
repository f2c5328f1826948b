import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { endProcesses } from '../runner/end-processes.ts'
import { isRunning } from '../runner/process-table.ts'
import { listRuns, type ProcessRecord } from '../runner/run-folder.ts'

const CLI = fileURLToPath(new URL('../cli/brume-testnet.ts', import.meta.url))
const START_DEADLINE_MS = 60_000
/** What the issue asks for: 3 s of grace and then SIGKILL. */
const END_DEADLINE_MS = 5_000

let directory: string
let runner: ChildProcess
let processes: readonly ProcessRecord[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brume-orphans-'))
})
afterEach(async () => {
  await endProcesses(processes)
  rmSync(directory, { recursive: true })
})

/** Starts two peers and resolves once runner, guard and both are listed and running. */
async function startRun(): Promise<void> {
  runner = spawn(process.execPath, [CLI, '--dir', directory, 'up', '-n', '2', '--json'], { stdio: 'ignore' })
  const until = performance.now() + START_DEADLINE_MS
  while (processes.length < 4) {
    if (performance.now() > until) throw new Error('the run did not start in time')
    await sleep(50)
    processes = listRuns(directory)[0]?.processes() ?? []
  }
}

async function endOf(all: readonly ProcessRecord[]): Promise<number> {
  const from = performance.now()
  while (all.some(isRunning) && performance.now() - from < 2 * END_DEADLINE_MS) await sleep(20)
  return performance.now() - from
}

test.each([
  ['SIGKILL', 'as it is'],
  ['SIGKILL', 'with a stopped peer'],
  ['SIGTERM', 'as it is']
] as const)(
  '%s to the runner, %s: guard and peers are gone within 5 s',
  async (signal, how) => {
    await startRun()
    expect(processes.map(({ name }) => name)).toEqual(['runner', 'guard', 'p1', 'p2'])
    const peer = processes.find(({ name }) => name === 'p2')
    if (how === 'with a stopped peer' && peer !== undefined) process.kill(peer.pid, 'SIGSTOP')
    runner.kill(signal)
    expect(await endOf(processes)).toBeLessThan(END_DEADLINE_MS)
    expect(processes.filter(isRunning)).toEqual([])
    processes = []
  },
  120_000
)
