import { whenCallerEnds } from '@brume/peer/caller'
import { TestnetError } from '../errors.ts'
import { prepareRun } from '../runner/prepare.ts'
import { pruneRuns, type RunFolder } from '../runner/run-folder.ts'
import { Testnet } from '../runner/testnet.ts'
import { printEvents } from './output.ts'

export interface DemoOptions {
  readonly directory: string
  readonly peers: number
  readonly height: number
  readonly json: boolean
  readonly keep: boolean
}

/** The last line of `demo --json`. Times in milliseconds; null where the demo did not get that far. */
export interface DemoResult {
  readonly ok: boolean
  readonly peers: number
  readonly discovery: 'mdns'
  readonly meshedMs: number | null
  /** The fewest live members that any peer knows, itself included. */
  readonly members: number
  /** Final on every peer. */
  readonly height: number
  readonly notarizedP50Ms: number | null
  readonly finalP50Ms: number | null
}

/** Four peers mesh in 2 s on two idle cores; a busy Raspberry Pi gets its time. */
const MESH_DEADLINE_MS = 60_000
/** Blocks may take the longest view, 30 s, once or twice on a machine that was asleep. */
const HEIGHT_DEADLINE_MS = 90_000
const RATE_PER_S = 10

/** Rejects with `BRUME_TESTNET_DEADLINE` if the peers do not mesh or do not agree; the result line is printed first. */
export async function demo(options: DemoOptions): Promise<void> {
  pruneRuns(options.directory)
  const folder = prepareRun({
    directory: options.directory,
    peers: options.peers,
    program: 'counter',
    discovery: 'mdns',
    votes: false
  })
  const testnet = new Testnet({ folder, ratePerS: RATE_PER_S })
  const endOutput = printEvents(testnet.events, options.json, testnet)
  const interrupted = Promise.withResolvers<never>()
  const end = (by: string): void => interrupted.reject(new TestnetError('BRUME_TESTNET_DEADLINE', `ended by ${by}`))
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => end(name))
  whenCallerEnds(() => end('the end of the shell that ran it'))
  try {
    await Promise.race([run(testnet, options), interrupted.promise])
    await finish(testnet, folder, options, true)
  } catch (error) {
    await finish(testnet, folder, options, false)
    throw error
  } finally {
    endOutput()
  }
}

async function run(testnet: Testnet, options: DemoOptions): Promise<void> {
  await testnet.start()
  await testnet.until('all peers connected to each other', MESH_DEADLINE_MS, (state) => state.meshedMs !== undefined)
  await testnet.until(`height ${options.height} final on every peer`, HEIGHT_DEADLINE_MS, (state) => {
    const all = state.peers.every((peer) => peer.state === 'running' && peer.sample?.group !== undefined)
    return all && state.heightMin >= options.height
  })
}

async function finish(testnet: Testnet, folder: RunFolder, options: DemoOptions, ok: boolean): Promise<void> {
  const result = resultOf(testnet, ok)
  await testnet.stop(ok ? 'done' : 'the demo failed')
  if (ok && !options.keep) folder.remove()
  process.stdout.write(`${options.json ? JSON.stringify(result) : sentence(result)}\n`)
}

function resultOf(testnet: Testnet, ok: boolean): DemoResult {
  const { peers, meshedMs, heightMin, notarizedP50Ms, finalP50Ms } = testnet.state()
  const round = (value: number | undefined): number | null => (value === undefined ? null : Math.round(value))
  const known = peers.map((peer) => 1 + peer.members.filter((member) => member.state === 'up').length)
  return {
    ok,
    peers: peers.length,
    discovery: 'mdns',
    meshedMs: round(meshedMs),
    members: Math.min(...known),
    height: heightMin,
    notarizedP50Ms: round(notarizedP50Ms),
    finalP50Ms: round(finalP50Ms)
  }
}

function sentence(result: DemoResult): string {
  if (!result.ok) return 'the demo failed'
  return (
    `${result.peers} peers found each other in ${result.meshedMs} ms and agree on height ${result.height}: ` +
    `a block is notarized after ${result.notarizedP50Ms} ms and final after ${result.finalP50Ms} ms (medians)`
  )
}
