import { asArray, asBytes, asUint, decode, encode } from '@brume/codec'
import { peerIdBytes } from '@brume/crypto'
import type { Clock, Journal, Log, PeerId, Store, StoreOperation } from '@brume/ports'
import { openRecord, RECORD_BYTES_MAX, type Verify } from '@brume/protocols/membership'
import type { StoredMember } from '../rules/initial.ts'
import { decodeMark, OWN_RECORD_KIND, type OwnMark } from '../rules/own.ts'
import type { Entry } from '../rules/table.ts'

/** Members change in bursts; what a crash takes is a second of what the neighbors know anyway. */
const WRITE_GAP_MS = 1_000
const STORED_VERSION = 1
const STORED_LIMITS = { bytesMax: RECORD_BYTES_MAX + 64, depthMax: 2, itemsMax: 16 }

/** Reads all members. What does not decode or verify is removed and logged: a neighbor has it too. */
export async function loadMembers(
  store: Store,
  options: { readonly networkId: Uint8Array; readonly verify: Verify; readonly log: Log }
): Promise<readonly StoredMember[]> {
  const members: StoredMember[] = []
  const bad: StoreOperation[] = []
  for await (const [key, value] of store.entries()) {
    try {
      members.push(decodeStored(value, options))
    } catch (error) {
      bad.push({ type: 'del', key })
      options.log.warn({ error }, 'a stored member does not verify and is dropped')
    }
  }
  if (bad.length > 0) await store.batch(bad)
  return members
}

/** The own numbers that the journal has. Throws `CodecError` where one does not decode. */
export function loadMarks(journal: Journal): readonly OwnMark[] {
  const marks: OwnMark[] = []
  for (const { kind, payload } of journal.replay()) if (kind === OWN_RECORD_KIND) marks.push(decodeMark(payload))
  return marks
}

export interface MemberWriter {
  save(entry: Entry): void
  forget(peer: PeerId): void
  /** Writes what waits. Never rejects: a failure is logged, the members stay in memory. */
  flush(): Promise<void>
}

/** Gathers changes and writes them at most once a second. */
export function createMemberWriter(store: Store, clock: Clock, log: Log): MemberWriter {
  const waiting = new Map<PeerId, Entry | undefined>()
  let cancel: (() => void) | undefined
  const flush = async (): Promise<void> => {
    cancel?.()
    cancel = undefined
    const operations = [...waiting].map(([peer, entry]) => operationOf(peer, entry))
    waiting.clear()
    if (operations.length === 0) return
    try {
      await store.batch(operations)
    } catch (error) {
      log.error({ error }, 'members could not be stored; they are kept in memory until the next change')
    }
  }
  const put = (peer: PeerId, entry: Entry | undefined): void => {
    waiting.set(peer, entry)
    cancel ??= clock.after(WRITE_GAP_MS, () => void flush())
  }
  return { save: (entry) => put(entry.peer, entry), forget: (peer) => put(peer, undefined), flush }
}

function operationOf(peer: PeerId, entry: Entry | undefined): StoreOperation {
  const key = peerIdBytes(peer)
  return entry === undefined ? { type: 'del', key } : { type: 'put', key, value: encodeStored(entry) }
}

function encodeStored(entry: Entry): Uint8Array {
  return encode([
    STORED_VERSION,
    entry.record.bytes,
    entry.firstSeenEpoch,
    Math.floor(entry.firstSeenMs),
    Math.floor(entry.lastSeenMs)
  ])
}

function decodeStored(value: Uint8Array, options: { networkId: Uint8Array; verify: Verify }): StoredMember {
  const [version, record, firstSeenEpoch, firstSeenMs, lastSeenMs] = asArray(
    decode(value, STORED_LIMITS),
    'stored member',
    5
  )
  asUint(version, 'version', STORED_VERSION, STORED_VERSION)
  const bytes = asBytes(record, 'record', { min: 1, max: RECORD_BYTES_MAX })
  return {
    record: openRecord(bytes, options.networkId, options.verify),
    firstSeenEpoch: asUint(firstSeenEpoch, 'first seen epoch'),
    firstSeenMs: asUint(firstSeenMs, 'first seen'),
    lastSeenMs: asUint(lastSeenMs, 'last seen')
  }
}
