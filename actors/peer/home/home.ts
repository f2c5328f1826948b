import { tmpdir } from 'node:os'
import { type Identity, identityFromSeed } from '@brume/crypto'
import type { Clock, Disk, Log, Random, Store } from '@brume/ports'
import { openStore } from '@brume/store'
import { type DataLayout, layoutOf, openDataDir } from '../data/index.ts'
import { type Parts, STOP_MS } from '../parts.ts'
import { type Journals, memoryJournals, openJournals } from './journals.ts'
import { folderManifests, type Manifests, memoryManifests } from './manifests.ts'
import { memoryStore } from './memory-store.ts'

/** Where a peer lives: who it is, and what it must not forget. */
export interface Home {
  readonly identity: Identity
  /** Epoch of birth, which every record of this identity repeats; undefined where nobody wrote it down. */
  readonly bornEpoch: number | undefined
  readonly store: Store
  readonly journals: Journals
  readonly manifests: Manifests
  /** Null for a peer in memory. */
  readonly layout: DataLayout | null
  /** The disk whose size is told to others. */
  readonly storagePath: string
}

export interface HomeOptions {
  /** Null: in memory. */
  readonly directory: string | null
  readonly keepIdentity: boolean
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly disk: Disk
  readonly parts: Parts
  /** A journal cannot be written any more. */
  readonly onFailed: (error: Error) => void
}

/** Opens it, each of its parts added as soon as it is open. Throws what openDataDir and openJournals throw. */
export async function openHome(options: HomeOptions): Promise<Home> {
  const { directory } = options
  return directory === null ? homeInMemory(options) : homeOnDisk(directory, options)
}

function homeInMemory({ random, parts }: HomeOptions): Home {
  const store = memoryStore()
  parts.add({ name: 'store', stop: () => store.close(), stopMs: STOP_MS.store })
  const journals = memoryJournals()
  parts.add({ name: 'journals', stop: journals.close, stopMs: STOP_MS.journals })
  const identity = identityFromSeed(random.bytes(32))
  const manifests = memoryManifests()
  return { identity, bornEpoch: undefined, store, journals, manifests, layout: null, storagePath: tmpdir() }
}

async function homeOnDisk(directory: string, options: HomeOptions): Promise<Home> {
  const { keepIdentity, clock, random, log, disk, parts, onFailed } = options
  const data = await openDataDir({ directory, keepIdentity, random, clock, log, openStore })
  const { layout, store } = data
  if (store.damage !== undefined) log.warn({ reason: store.damage.message }, 'actors of this peer do not start')
  parts.add({ name: 'store', stop: () => store.close(), stopMs: STOP_MS.store })
  const journals = await openJournals({ data, disk, clock, log, onFailed })
  parts.add({ name: 'journals', stop: journals.close, stopMs: STOP_MS.journals })
  const { identity, bornEpoch } = data.record
  const manifests = folderManifests(layout.groups)
  return { identity, bornEpoch, store, journals, manifests, layout, storagePath: layoutOf(directory).directory }
}
