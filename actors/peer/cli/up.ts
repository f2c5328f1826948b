import { flushCompileCache } from 'node:module'
import { constants } from 'node:os'
import { join } from 'node:path'
import type { Log } from '@brume/ports'
import { systemClock } from '@brume/ports/system'
import { type Config, layer, type Overrides, readConfigFile, readEnvironment, readOverrides } from '../config/index.ts'
import { defaultDirectory, layoutOf, makeFolders } from '../data/index.ts'
import { EXIT, PeerError } from '../errors.ts'
import type { Peer } from '../peer.ts'
import { privateFolder } from '../private-folder.ts'
import { whenCallerEnds } from './caller.ts'
import { readDuration } from './duration.ts'
import { limitMemory } from './memory.ts'
import { announce } from './notices.ts'
import { described, type Output } from './output.ts'

export interface UpOptions {
  readonly dataDir: string | undefined
  readonly keepIdentity: boolean
  /** As written: `20s`. */
  readonly duration: string | undefined
  readonly flags: object
}

/** Runs a peer until a signal, the end of its duration, or a failure, with which it rejects. */
export async function up(options: UpOptions, output: Output): Promise<void> {
  const durationMs = options.duration === undefined ? undefined : readDuration(options.duration)
  const layout = layoutOf(options.dataDir ?? defaultDirectory())
  const settings: Overrides = { ...readEnvironment(process.env), ...readOverrides(options.flags) }
  const config = layer(await readConfigFile(layout.config), settings)
  await makeFolders(layout)
  limitMemory(config, join(privateFolder(), 'compiled'))
  const log = await openLog(config)
  endOnUncaught(log, output)
  // Loaded only now: the process may just have been replaced, and libp2p takes most of a start.
  const { preparePeer } = await import('../peer.ts')
  const { createKv } = await import('../programs/kv.ts')
  const peer = await preparePeer({
    ...settings,
    dataDir: layout.directory,
    keepIdentity: options.keepIdentity,
    ports: { log },
    programs: { kv: ({ store }) => createKv(store) }
  })
  stopWhenTold(peer)
  announce(peer, output)
  await peer.start()
  // Node writes its cache at exit; a peer may well end by a power cut.
  flushCompileCache()
  const cancel = durationMs === undefined ? undefined : systemClock().after(durationMs, () => void peer.stop())
  const failure = await peer.ended
  cancel?.()
  if (failure !== undefined) throw failure.error
}

async function openLog(config: Config): Promise<Log> {
  const { createLog } = await import('@brume/observe')
  return createLog({ level: config.logLevel, pretty: process.stderr.isTTY })
}

/** An error nobody caught leaves the process in a state nobody knows: say so and end, the journal is safe on disk. */
function endOnUncaught(log: Log, output: Output): void {
  const end = (error: unknown): void => {
    log.error({ error }, 'an error was not caught')
    output.fail(new PeerError('BRUME_PEER_INTERNAL', `${described(error).message}; this is a fault in brume`, error))
    process.exit(EXIT.internal)
  }
  process.on('uncaughtException', end).on('unhandledRejection', end)
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Stops the peer at the first signal; a second one ends the process at once. */
function stopWhenTold(peer: Peer): void {
  let told = false
  const onSignal = (signal: (typeof STOP_SIGNALS)[number]): void => {
    if (told) process.exit(128 + constants.signals[signal])
    told = true
    void peer.stop()
  }
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal)
  whenCallerEnds(() => void peer.stop())
  // Whoever read our lines is gone (`brume up | head`): nobody is left to tell.
  process.stdout.on('error', () => void peer.stop())
}
