import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { whenCallerEnds } from '@brume/peer/caller'
import { TestnetError } from '../errors.ts'
import { controlSocketPath } from '../runner/control.ts'
import { prepareRun } from '../runner/prepare.ts'
import { listRuns, type ProcessRecord, pruneRuns, type RunFolder } from '../runner/run-folder.ts'
import { Testnet } from '../runner/testnet.ts'
import { type EndOutput, printEvents, showLive } from './output.ts'

/** Loading the code on a busy Raspberry Pi takes seconds. */
const DETACH_DEADLINE_MS = 20_000
const DETACH_POLL_MS = 50

export interface UpOptions {
  readonly directory: string
  readonly peers: number
  readonly group: string
  readonly rate: number
  readonly discovery: 'mdns' | 'list'
  readonly for?: number
  readonly votes: boolean
  readonly json: boolean
  readonly plain: boolean
  readonly detach: boolean
}

/** Why a run ends: a signal, a key, `down`, the time that was set. SIGHUP is a closed terminal. */
function waitForEnd(testnet: Testnet, forMs: number | undefined): { readonly reason: Promise<string>; quit(): void } {
  const { promise, resolve } = Promise.withResolvers<string>()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => resolve(name))
  whenCallerEnds(() => resolve('the shell that ran it is gone'))
  // A reader that went away (`| head`) is the end of the run, not a reason to crash.
  process.stdout.on('error', () => resolve('nobody reads the output'))
  void testnet.downAsked.then(() => resolve('down'))
  if (forMs !== undefined) setTimeout(() => resolve(`${forMs} ms are over`), forMs).unref()
  return { reason: promise, quit: () => resolve('q') }
}

/** Runs until told to stop; rejects with `BRUME_TESTNET_PEER_FAILED` if a peer ended by itself. */
export async function up(options: UpOptions): Promise<void> {
  if (options.detach) return detach(options)
  pruneRuns(options.directory)
  const folder = prepare(options)
  const testnet = new Testnet({ folder, ratePerS: options.rate })
  const end = waitForEnd(testnet, options.for)
  const live = process.stdout.isTTY && process.stdin.isTTY && !options.json && !options.plain
  const endOutput: EndOutput = live ? showLive(testnet, end.quit) : printEvents(testnet.events, options.json, testnet)
  try {
    const failed = testnet.start().then(() => new Promise<never>(() => undefined))
    const reason = await Promise.race([end.reason, failed])
    await testnet.stop(reason)
  } catch (error) {
    await testnet.stop('an error')
    throw error
  } finally {
    endOutput()
  }
  if (live) process.stdout.write(`run ${folder.runId} ended; its files: ${folder.path}\n`)
  refuseFailures(testnet, folder)
}

function prepare(options: UpOptions): RunFolder {
  const { directory, peers, discovery, votes, group } = options
  return prepareRun({ directory, peers, discovery, votes, program: group === 'none' ? undefined : group })
}

function refuseFailures(testnet: Testnet, folder: RunFolder): void {
  const failed = testnet.state().peers.filter((peer) => peer.state === 'failed')
  if (failed.length === 0) return
  const names = failed.map((peer) => peer.name).join(' ')
  const message = `${names} ended by itself; see ${join(folder.path, 'logs')}`
  throw new TestnetError('BRUME_TESTNET_PEER_FAILED', message)
}

/** The same command again, in the background; resolves with its run id once its control socket answers. */
async function detach(options: UpOptions): Promise<void> {
  mkdirSync(options.directory, { recursive: true })
  const logPath = join(options.directory, 'detached.log')
  const log = openSync(logPath, 'w', 0o600)
  const args = process.argv.slice(1).filter((argument) => argument !== '--detach')
  const child = spawn(process.execPath, [...args, '--json'], { detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  child.unref()
  const runId = await waitForRun(options.directory, child, logPath)
  process.stdout.write(`${runId}\n`)
}

async function waitForRun(directory: string, runner: ChildProcess, logPath: string): Promise<string> {
  const isOurs = (record: ProcessRecord): boolean => record.name === 'runner' && record.pid === runner.pid
  const until = performance.now() + DETACH_DEADLINE_MS
  while (runner.exitCode === null && performance.now() < until) {
    const run = listRuns(directory).find((candidate) => candidate.processes().some(isOurs))
    if (run !== undefined && existsSync(controlSocketPath(run.runId))) return run.runId
    await sleep(DETACH_POLL_MS)
  }
  throw new TestnetError('BRUME_TESTNET_PEER_FAILED', `the run did not start; see ${logPath}`)
}
