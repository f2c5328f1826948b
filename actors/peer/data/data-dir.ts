import { access, mkdir, mkdtemp, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { identityFromSeed } from '@brume/crypto'
import type { Clock, Log, Random, Store } from '@brume/ports'
import { EPOCH_MS } from '@brume/protocols/membership'
import { hasCode, PeerError } from '../errors.ts'
import { diskError } from './files.ts'
import { hostMark } from './host-mark.ts'
import { type IdentityRecord, readIdentity, writeIdentity } from './identity-file.ts'
import { type DataLayout, layoutOf, makeFolders } from './layout.ts'
import { isAlive, readRunning } from './running.ts'

/** A data directory this process owns until its store is closed. */
export interface DataDir {
  readonly layout: DataLayout
  readonly store: Store
  readonly record: IdentityRecord
  /** Notes that a journal exists from now on; call it before the first append. */
  markJournalBorn(): Promise<void>
}

export interface DataDirOptions {
  readonly directory: string
  /** The disk was moved to this machine on purpose: the identity found is kept. */
  readonly keepIdentity?: boolean
  readonly random: Random
  readonly clock: Pick<Clock, 'wall'>
  readonly log: Log
  openStore(directory: string): Promise<Store>
  /** Stands in for the machine's own mark in tests. */
  readonly host?: string | undefined
}

/**
 * Takes possession of a data directory: the store first, since its lock guards all the rest, then
 * the identity, made on the first start. Throws `BRUME_PEER_DATA_DIR_LOCKED`, `BRUME_PEER_DATA_DIR`,
 * `BRUME_PEER_IDENTITY` and `BRUME_PEER_DISK_FULL`.
 */
export async function openDataDir(options: DataDirOptions): Promise<DataDir> {
  const layout = layoutOf(options.directory)
  await makeFolders(layout)
  let store = await lock(layout, options)
  try {
    const host = options.host ?? (await hostMark())
    const found = await readIdentity(layout.identity)
    if (found === undefined) await assertUnused(layout, store)
    if (found !== undefined && isCloned(found, host) && options.keepIdentity !== true) {
      await store.close()
      await setAside(layout, found, options.log)
      store = await lock(layout, options)
    }
    let record = await settleIdentity(layout, host, options)
    return {
      layout,
      store,
      get record() {
        return record
      },
      async markJournalBorn() {
        if (record.journalBorn) return
        record = { ...record, journalBorn: true }
        await writeIdentity(layout.identity, record)
      }
    }
  } catch (error) {
    await store.close().catch(() => undefined)
    throw error
  }
}

/**
 * The identity is written before anything else: where something is there without it, it was lost. A new one would orphan
 * the actors kept here, whose addresses name the old one, and leave groups with a member who is gone for good.
 */
async function assertUnused(layout: DataLayout, store: Store): Promise<void> {
  const hasJournal = await access(layout.journal).then(
    () => true,
    () => false
  )
  if (!hasJournal && (await isEmpty(store))) return
  const help = 'restore it from a copy; or, to begin as a new peer without them, give an empty --data-dir'
  throw new PeerError(
    'BRUME_PEER_IDENTITY',
    `${layout.identity} is gone, and what its peer kept is still here: ${help}`
  )
}

async function isEmpty(store: Store): Promise<boolean> {
  for await (const _ of store.entries()) return false
  return true
}

async function lock(layout: DataLayout, options: DataDirOptions): Promise<Store> {
  try {
    return await options.openStore(layout.store)
  } catch (error) {
    if (hasCode(error, 'BRUME_STORE_LOCKED', 'LEVEL_LOCKED')) throw await lockedError(layout, error)
    if (hasCode(error, 'ENOSPC', 'EACCES', 'EPERM', 'EROFS')) throw diskError(layout.store, error)
    throw error
  }
}

async function lockedError(layout: DataLayout, cause: unknown): Promise<PeerError> {
  const owner = await readRunning(layout.running)
  const who = owner !== undefined && isAlive(owner.pid) ? `process ${owner.pid}` : 'another process'
  const help = 'stop it, or give this peer its own --data-dir'
  return new PeerError('BRUME_PEER_DATA_DIR_LOCKED', `${who} runs a peer on ${layout.directory}; ${help}`, cause)
}

/** Made on another machine than this one; where either has no name nobody can tell, and the identity stays. */
const isCloned = (record: IdentityRecord, host: string | undefined): boolean =>
  record.host !== undefined && host !== undefined && record.host !== host

/**
 * A cloned disk would be two peers with one key (neighbors.md, trap 9). The identity and what was
 * promised under it go together; settings and group manifests belong to the person and stay.
 */
async function setAside(layout: DataLayout, record: IdentityRecord, log: Log): Promise<void> {
  try {
    await mkdir(layout.previous, { recursive: true, mode: 0o700 })
    const folder = await mkdtemp(join(layout.previous, `${record.identity.peerId}-`))
    // The identity goes last: until then a crash leaves a directory that is set aside again.
    for (const part of ['journal', 'store', 'identity'] as const) await moveInto(folder, layout[part])
    log.warn(
      { previous: record.identity.peerId, folder },
      'this disk was made on another machine: starting as a new peer (--keep-identity keeps the old one)'
    )
  } catch (error) {
    throw diskError(layout.previous, error)
  }
}

async function moveInto(folder: string, path: string): Promise<void> {
  await rename(path, join(folder, basename(path))).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error
  })
}

async function settleIdentity(
  layout: DataLayout,
  host: string | undefined,
  options: DataDirOptions
): Promise<IdentityRecord> {
  const found = await readIdentity(layout.identity)
  if (found === undefined) {
    const made = { ...newborn(options), host, journalBorn: false }
    await writeIdentity(layout.identity, made)
    return made
  }
  if (host === undefined || found.host === host) return found
  // Moved with --keep-identity, or made before this machine had a name.
  const settled = { ...found, host }
  await writeIdentity(layout.identity, settled)
  return settled
}

const newborn = ({ random, clock }: DataDirOptions): Pick<IdentityRecord, 'identity' | 'bornEpoch'> => ({
  identity: identityFromSeed(random.bytes(32)),
  bornEpoch: Math.max(0, Math.floor(clock.wall() / EPOCH_MS))
})
