import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Clock } from '@brume/ports'
import { xstate5 } from '@brume/runtime/xstate5'
import { PeerError } from '../errors.ts'
import type { Actors } from './actors.ts'
import type { Machine, RegisterOptions, SpawnOptions } from './types.ts'

/** What a module may export beside its machine, for a peer that runs it by its path alone. */
interface RunnableModule {
  /** Counts from 1, which it is unless told. */
  readonly version?: number
  readonly input?: unknown
  readonly samples?: RegisterOptions['samples']
  /** Who may send it events: as at `spawn`. */
  readonly allow?: SpawnOptions['allow']
}

/** A module that was loaded and exports a machine. */
export interface LoadedModule extends RunnableModule {
  readonly name: string
  readonly url: URL
}

/** A module may well read files and ask others while it is loaded; one that waits for ever would hold up the start unseen. */
const LOAD_TIMEOUT_MS = 30_000

/**
 * Loads all, before anything else is started: `shop/counter.machine.ts` is the logic and the path `counter`.
 * @throws PeerError USAGE
 */
export async function loadModules(files: readonly string[], clock: Clock): Promise<readonly LoadedModule[]> {
  const named = new Map(files.map((file) => [nameOf(file), file]))
  if (named.size < files.length) {
    throw new PeerError('BRUME_PEER_USAGE', 'two modules of machines have the same name; rename one of the files')
  }
  return Promise.all([...named].map(([name, file]) => load(name, file, clock)))
}

/** Registers and runs each as one actor, of durability `journal`, so that its history can be seen. @throws as register and spawn */
export async function runModules(modules: readonly LoadedModule[], actors: Actors): Promise<void> {
  for (const { name, url, version = 1, input, samples, allow } of modules) {
    const logic = await actors.register<Machine>(url, { name, version, ...(samples && { samples }) })
    const given = { ...(input === undefined ? {} : { input }), ...(allow === undefined ? {} : { allow }) }
    await actors.spawn(logic, { id: name, durability: 'journal', ...given })
  }
}

async function load(name: string, file: string, clock: Clock): Promise<LoadedModule> {
  const url = pathToFileURL(resolve(file))
  const { default: machine, ...said } = await inTime(importOf(url, file), file, clock)
  requireMachine(machine, file)
  return { ...said, name, url }
}

function requireMachine(machine: Machine | undefined, file: string): void {
  try {
    xstate5(machine as Machine)
  } catch (error) {
    const what = machine === undefined ? 'has no default export' : 'has a default export that is no machine of XState 5'
    throw new PeerError('BRUME_PEER_USAGE', `${file} ${what}; export what createMachine() answers so`, error)
  }
}

async function importOf(url: URL, file: string): Promise<RunnableModule & { readonly default?: Machine }> {
  try {
    return await import(url.href)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new PeerError('BRUME_PEER_USAGE', `${file} cannot be loaded: ${why}`, error)
  }
}

async function inTime<T>(loaded: Promise<T>, file: string, clock: Clock): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const why = `${file} was not loaded within ${LOAD_TIMEOUT_MS / 1_000} s; what does it await outside of functions?`
  const cancel = clock.after(LOAD_TIMEOUT_MS, () => reject(new PeerError('BRUME_PEER_USAGE', why)))
  return Promise.race([loaded, late]).finally(cancel)
}

/** `counter` of `counter.machine.ts`. */
const nameOf = (file: string): string => basename(file).replace(/(\.machine)?\.[cm]?[jt]s$/, '')
