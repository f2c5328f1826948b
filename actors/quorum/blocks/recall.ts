import type { Final } from '@brume/consensus'
import type { Cancel, PeerId } from '@brume/ports'
import type { Manifest, ManifestMember } from '@brume/protocols/quorum'
import type { Archive } from '../checkpoints/archive.ts'
import { sessionKey } from '../commands/sessions.ts'
import { QuorumError } from '../errors.ts'
import type { Host } from '../host.ts'
import type { Register } from '../record/register.ts'
import { type Chapter, type Floor, fetchChapter } from './catch-up.ts'
import { readable } from './damage.ts'
import type { Ledger, StoredRecord } from './ledger.ts'
import { type Mended, mend } from './mend.ts'
import { fetchSkip, type Skip } from './skip.ts'

/** Until members that were away are asked again for what is missing. */
const RETRY_MS = 1_000

export interface RecallOptions {
  readonly host: Pick<Host, 'net' | 'clock' | 'identity' | 'keepConnected' | 'log'>
  readonly group: string
  readonly groupId: Uint8Array
  readonly manifest: Manifest
  readonly genesis: Final
  readonly ledger: Ledger
  readonly archive: Archive
  /** From what was stored at that place; null for a record before the first block. */
  readonly register: (stored: (StoredRecord & { readonly final: Final }) | null) => Register
  /** Something is missing, and others are asked for it. */
  readonly damaged: (reason: string) => void
  readonly signal: AbortSignal
}

/** Where the order stands. */
export interface Recalled {
  readonly register: Register
  readonly final: Final
  /** The checkpoint from which it goes on, where blocks were gone everywhere. */
  readonly skip: Skip | null
}

/**
 * Reads where the order stands. Where the store has lost something, or gives it as it was not written, that is fetched
 * from other members for as long as it takes: a group never goes on from an older or an emptier state than it had.
 *
 * @throws whatever the store says but damage
 */
export async function recall(options: RecallOptions): Promise<Recalled> {
  const { ledger, genesis, register } = options
  const floor = await readable(ledger.floor())
  const final = floor ?? genesis
  const record = await readable(ledger.record(final.height))
  const missing = await findDamage(ledger, floor, final)
  const what = missing ?? (record === undefined ? 'the record is not that of the newest block' : null)
  if (what === null && record !== undefined) return { register: register({ ...record, final }), final, skip: null }
  return restore(options, floor ?? null, `${what}: fetched from other members`)
}

/** Blocks of a ledger that a restarted process may need; a sentence on the first that is not there, or null. */
async function findDamage(ledger: Ledger, floor: Final | undefined, final: Final): Promise<string | null> {
  if (floor === undefined) return (await readable(ledger.hasBlocks())) === false ? null : 'the floor is missing'
  let parent: string | null = null
  for (let height = (await ledger.prunedTo()) + 1; height <= final.height; height++) {
    const proposal = (await ledger.blockAt(height))?.proposal
    const follows = proposal !== undefined && (parent === null || proposal.parent === parent)
    if (!follows) return `block ${height} is missing or damaged`
    parent = proposal.digest
  }
  return parent === null || parent === final.digest ? null : 'the newest block is another than that of the floor'
}

async function restore(options: RecallOptions, floor: Final | null, what: string): Promise<Recalled> {
  const { ledger, host, damaged, group } = options
  damaged(what)
  host.log.error({ group, what }, 'the store is damaged')
  const disconnect = host.keepConnected(`quorum/${group}/mend`, othersOf(options, []))
  try {
    const mended = await insist(options, () => mendOnce(options, floor))
    const { register, final, refill, skip } = mended
    await ledger.refill({ ...refill, state: { final, record: storedOf(register, final) } })
    if (skip !== null) await ledger.prune(skip.record.height)
    host.log.info({ group, blocks: refill.blocks.length, height: final.height }, 'the store is whole again')
    return { register, final, skip }
  } finally {
    disconnect()
  }
}

/** Blocks that a process at work finds missing; its record is in memory and stays as it is. */
export async function refillBlocks(options: RecallOptions, floor: Final): Promise<void> {
  const { refill } = await mendOnce(options, floor)
  await options.ledger.refill({ ...refill, state: null })
}

async function mendOnce(options: RecallOptions, floor: Final | null): Promise<Mended> {
  const { ledger, groupId, genesis, archive, register } = options
  return mend({
    ...{ ledger, groupId, genesis, floor },
    kept: (await archive.kept()).filter(({ certificate }) => floor === null || certificate.height <= floor.height),
    register: () => register(null),
    fetch: (at, { membership }) => fetchAny(options, at, othersOf(options, membership.members)),
    skip: (at, { membership }) => skipAny(options, at, othersOf(options, membership.members))
  })
}

/** Until it succeeds: what others cannot give now they may when more of them are there. */
async function insist(options: RecallOptions, attempt: () => Promise<Mended>): Promise<Mended> {
  const { host, signal, damaged } = options
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof QuorumError)) throw error
      damaged(error.message)
    }
    await pause(host, signal)
  }
}

async function pause({ clock }: RecallOptions['host'], signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancel: Cancel = clock.after(RETRY_MS, resolve)
  const end = () => resolve()
  signal.addEventListener('abort', end)
  await promise
  signal.removeEventListener('abort', end)
  cancel()
  if (signal.aborted) throw new QuorumError('BRUME_QUORUM_STOPPED', 'stopped before the store was whole')
}

async function fetchAny(
  options: RecallOptions,
  floor: Floor,
  peers: readonly PeerId[]
): Promise<Chapter | 'pruned' | null> {
  let isPruned = false
  for (const peer of peers) {
    const chapter = await fetchChapter(options.host.net, peer, floor).catch((error) => unanswered(options, peer, error))
    if (chapter !== null && chapter !== 'pruned') return chapter
    isPruned ||= chapter === 'pruned'
  }
  return isPruned ? 'pruned' : null
}

async function skipAny(
  options: RecallOptions,
  { committee, final }: Floor,
  peers: readonly PeerId[]
): Promise<Skip | null> {
  const { net } = options.host
  const { policy } = options.manifest
  for (const peer of peers) {
    const asked = fetchSkip({ net, peer, committee, policy }, final.height)
    const skip = await asked.catch((error) => unanswered(options, peer, error))
    if (skip !== null) return skip
  }
  return null
}

/** Members of these and of the first epoch, but this one. */
function othersOf({ host, manifest }: RecallOptions, members: readonly ManifestMember[]): readonly PeerId[] {
  const peers = new Set([...members, ...manifest.members].map(({ peer }) => peer))
  peers.delete(host.identity.peerId)
  return [...peers]
}

/** All of the record, as it is stored. */
function storedOf({ membership, sessions }: Register, { height }: Final): StoredRecord {
  const all = sessions.entries(0).map((entry) => {
    const { sequence, expiresMs } = entry
    return [sessionKey(entry), { sequence, expiresMs }] as const
  })
  return { membership: height === 0 ? null : membership, sessions: all }
}

function unanswered({ host, group }: RecallOptions, peer: PeerId, error: unknown): null {
  host.log.debug({ group, peer, error }, 'nothing of what is missing from this member')
  return null
}
