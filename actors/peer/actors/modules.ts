import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PeerError } from '../errors.ts'
import type { Actors } from './actors.ts'
import type { Machine, RegisterOptions } from './types.ts'

/** What a module may export beside its machine, for a peer that runs it by its path alone. */
interface RunnableModule {
  /** Counts from 1, which it is unless told. */
  readonly version?: number
  readonly input?: unknown
  readonly samples?: RegisterOptions['samples']
}

/**
 * Registers each module and runs it as one actor. `shop/counter.machine.ts` is the logic and the path `counter`, of
 * durability `journal`, so that its history can be seen. @throws PeerError USAGE, and what register and spawn throw
 */
export async function runModules(files: readonly string[], actors: Actors): Promise<void> {
  const named = new Map(files.map((file) => [nameOf(file), file]))
  if (named.size < files.length) {
    throw new PeerError('BRUME_PEER_USAGE', 'two modules of machines have the same name; rename one of the files')
  }
  for (const [name, file] of named) await runModule(name, file, actors)
}

async function runModule(name: string, file: string, actors: Actors): Promise<void> {
  const url = pathToFileURL(resolve(file))
  const { version = 1, input, samples }: RunnableModule = await load(url, file)
  const logic = await actors.register<Machine>(url, { name, version, ...(samples && { samples }) })
  await actors.spawn(logic, { id: name, durability: 'journal', ...(input === undefined ? {} : { input }) })
}

async function load(url: URL, file: string): Promise<RunnableModule> {
  try {
    return await import(url.href)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new PeerError('BRUME_PEER_USAGE', `${file} cannot be loaded: ${why}`, error)
  }
}

/** `counter` of `counter.machine.ts`. */
const nameOf = (file: string): string => basename(file).replace(/(\.machine)?\.[cm]?[jt]s$/, '')
