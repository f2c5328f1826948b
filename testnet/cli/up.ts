import { join } from 'node:path'
import { whenCallerEnds } from '@brume/peer/caller'
import { TestnetError } from '../errors.ts'
import { prepareRun } from '../runner/prepare.ts'
import { pruneRuns, type RunFolder } from '../runner/run-folder.ts'
import { Testnet } from '../runner/testnet.ts'
import { detach } from './detach.ts'
import { type EndOutput, printEvents, showLive } from './output.ts'

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
  /** To be left in the background. */
  readonly detach: boolean
  /** Has been left there: whoever started it is gone, and meant to go. */
  readonly detached: boolean
}

/** Why a run ends: a signal, a key, `down`, the time that was set. SIGHUP is a closed terminal. */
function waitForEnd(
  testnet: Testnet,
  { for: forMs, detached }: Pick<UpOptions, 'for' | 'detached'>
): { readonly reason: Promise<string>; quit(): void } {
  const { promise, resolve } = Promise.withResolvers<string>()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => resolve(name))
  if (!detached) whenCallerEnds(() => resolve('the shell that ran it is gone'))
  // A reader that went away (`| head`) is the end of the run, not a reason to crash.
  process.stdout.on('error', () => resolve('nobody reads the output'))
  void testnet.downAsked.then(() => resolve('down'))
  if (forMs !== undefined) setTimeout(() => resolve(`${forMs} ms are over`), forMs).unref()
  return { reason: promise, quit: () => resolve('q') }
}

/** Runs until told to stop; rejects with `BRUME_TESTNET_PEER_FAILED` if a peer ended by itself. */
export async function up(options: UpOptions): Promise<void> {
  if (options.detach) return detach(options.directory)
  pruneRuns(options.directory)
  const folder = prepare(options)
  const testnet = new Testnet({ folder, ratePerS: options.rate })
  const end = waitForEnd(testnet, options)
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
