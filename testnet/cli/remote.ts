import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { TestnetError } from '../errors.ts'
import { askControl, controlSocketPath } from '../runner/control.ts'
import { endProcesses } from '../runner/end-processes.ts'
import { isRunning } from '../runner/process-table.ts'
import { findRun, type RunFolder } from '../runner/run-folder.ts'
import type { TestnetState } from '../runner/state.ts'
import { render } from '../view/render.ts'

interface RunChoice {
  readonly directory: string
  readonly run?: string
}

/** A run of a hundred peers ends within this; after it `down` ends the listed processes itself. */
const DOWN_DEADLINE_MS = 8_000
const DOWN_POLL_MS = 50
/** A line of one peer's log is rarely longer, and nobody reads megabytes of a tail. */
const LOG_BYTES_MAX = 1_048_576
/** Without a terminal: wide and tall enough for 100 peers and a few events. */
const PLAIN_FRAME = { columns: 160, rows: 120, color: false, selected: -1 }

async function ask<T>(choice: RunChoice, request: Parameters<typeof askControl>[1]): Promise<T> {
  const run = findRun(choice.directory, choice.run)
  if (!run.isRunning()) {
    throw new TestnetError('BRUME_TESTNET_NOT_RUNNING', `run ${run.runId} is over; start one with \`brume testnet up\``)
  }
  return (await askControl(controlSocketPath(run.runId), request)) as T
}

export async function status(options: RunChoice & { readonly json: boolean }): Promise<void> {
  const state = await ask<TestnetState>(options, { do: 'status' })
  process.stdout.write(`${options.json ? JSON.stringify(state) : render(state, PLAIN_FRAME)}\n`)
}

export async function perturb(
  options: RunChoice & { readonly verb: 'kill' | 'restart' | 'pause' | 'resume'; readonly peers: readonly string[] }
): Promise<void> {
  const names = await ask<readonly string[]>(options, { do: options.verb, peers: options.peers })
  process.stdout.write(`${options.verb}: ${names.length === 0 ? 'nobody' : names.join(' ')}\n`)
}

/** Asks the runner to end its run; where no runner is left, does its work. */
export async function down(options: RunChoice): Promise<void> {
  const run = findRun(options.directory, options.run)
  const runner = run.processes().find((record) => record.name === 'runner')
  if (runner !== undefined && isRunning(runner)) {
    await askControl(controlSocketPath(run.runId), { do: 'down' }).catch(() => undefined)
  }
  await waitOrEnd(run)
  process.stdout.write(`run ${run.runId} is down\n`)
}

async function waitOrEnd(run: RunFolder): Promise<void> {
  const all = run.processes()
  const until = performance.now() + DOWN_DEADLINE_MS
  while (all.some(isRunning) && performance.now() < until) await sleep(DOWN_POLL_MS)
  const left = await endProcesses(all)
  if (left.length === 0) return
  const pids = left.map(({ pid }) => pid).join(' ')
  throw new TestnetError('BRUME_TESTNET_CLEANUP', `processes ${pids} of run ${run.runId} do not end`)
}

export function logs(options: RunChoice & { readonly peer: string | undefined; readonly lines: number }): void {
  const run = findRun(options.directory, options.run)
  const names = run.manifest().peers.map((peer) => peer.name)
  if (options.peer !== undefined && !names.includes(options.peer)) {
    const message = `no peer '${options.peer}' in this run; it has ${names.join(' ')}`
    throw new TestnetError('BRUME_TESTNET_UNKNOWN_PEER', message)
  }
  for (const name of options.peer === undefined ? names : [options.peer]) {
    const lines = lastLines(run.logPath(name), options.lines)
    process.stdout.write(lines.map((line) => `${options.peer === undefined ? `${name}  ` : ''}${line}\n`).join(''))
  }
}

function lastLines(path: string, count: number): readonly string[] {
  try {
    const text = readFileSync(path).subarray(-LOG_BYTES_MAX).toString('utf8')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .slice(-count)
  } catch {
    return []
  }
}
