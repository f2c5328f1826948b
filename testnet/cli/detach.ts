import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TestnetError } from '../errors.ts'
import { askControl, controlSocketPath } from '../runner/control.ts'
import { listRuns, type ProcessRecord, type RunFolder } from '../runner/run-folder.ts'
import type { TestnetState } from '../runner/state.ts'

/** As long as `restart` may take: a hundred peers on two busy cores. */
const UP_DEADLINE_MS = 300_000
const POLL_MS = 100
/** Of the log of a run that did not start: its error, and what led to it. */
const LOG_LINES = 5
const LOG_LINE_CHARACTERS_MAX = 300
const IN_STACK = /^\s+at /

/** The same command again, in the background; resolves with its run id once all its peers run. */
export async function detach(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true })
  const logPath = join(directory, 'detached.log')
  const log = openSync(logPath, 'w', 0o600)
  const args = process.argv.slice(1).map((argument) => (argument === '--detach' ? '--detached' : argument))
  const runner = spawn(process.execPath, [...args, '--json'], { detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  runner.unref()
  try {
    process.stdout.write(`${await waitForRun(directory, runner)}\n`)
  } catch (error) {
    runner.kill('SIGTERM')
    const why = error instanceof Error ? error.message : String(error)
    throw new TestnetError(
      'BRUME_TESTNET_PEER_FAILED',
      `the run did not start: ${why}; ${logPath} ends with
${endOf(logPath)}`
    )
  }
}

async function waitForRun(directory: string, runner: ChildProcess): Promise<string> {
  const isOurs = (record: ProcessRecord): boolean => record.name === 'runner' && record.pid === runner.pid
  const until = performance.now() + UP_DEADLINE_MS
  while (performance.now() < until) {
    if (runner.exitCode !== null || runner.signalCode !== null) throw new Error('its process ended')
    const run = listRuns(directory).find((candidate) => candidate.processes().some(isOurs))
    if (run !== undefined && (await isUp(run))) return run.runId
    await sleep(POLL_MS)
  }
  throw new Error(`its peers did not run within ${UP_DEADLINE_MS / 1_000} s`)
}

/** Do all its peers run? Throws where one ended by itself. */
async function isUp(run: RunFolder): Promise<boolean> {
  // Its control socket comes a moment after its list of processes.
  const state = (await askControl(controlSocketPath(run.runId), { do: 'status' }).catch(
    () => null
  )) as TestnetState | null
  if (state === null) return false
  const failed = state.peers.filter((peer) => peer.state === 'failed')
  if (failed.length > 0) throw new Error(`${failed.map(({ name }) => name).join(' ')} ended by itself`)
  return state.peers.every((peer) => peer.state !== 'waiting' && peer.state !== 'starting')
}

function endOf(logPath: string): string {
  const lines = readFileSync(logPath, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !IN_STACK.test(line))
  return lines
    .slice(-LOG_LINES)
    .map((line) => `  ${line.slice(0, LOG_LINE_CHARACTERS_MAX)}`)
    .join('\n')
}
