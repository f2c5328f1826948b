import { equal } from '@brume/codec'
import type { PeerId } from '@brume/ports'
import {
  checkNetwork,
  checkRecord,
  decodeRecord,
  isLeaving,
  RecordError,
  type SignedRecord
} from '@brume/protocols/membership'
import type { RecordOutcome, Warrant } from '../effect.ts'
import { ENTRIES_MAX, INTRODUCERS_MAX, INTRODUCTIONS_MAX, RECORDS_PER_EPOCH_MAX } from '../limits.ts'
import { isKnownOwn, seeOwnRecord } from './own.ts'
import { emit, patch, putEntry, removeEntry, type Turn } from './state.ts'
import { type Entry, newEntry } from './table.ts'

/** How the sender stands to the record: a peer's own Hello introduces nobody. */
export interface Source {
  readonly from: PeerId
}

/**
 * Judges one record and takes it in if it is good (neighbors.md 3.1). Cheap checks come first: most
 * records are ones already known, and a signature costs 126 us.
 */
export function receiveRecord(turn: Turn, bytes: Uint8Array, source: Source): RecordOutcome {
  const outcome = judge(turn, bytes, source)
  emit(turn, { type: 'count.record', outcome })
  return outcome
}

/** Outcomes for which the sender is to blame: it should have checked. */
export function isBlame(outcome: RecordOutcome): boolean {
  return outcome === 'malformed' || outcome === 'wrong-net' || outcome === 'bad-signature'
}

function judge(turn: Turn, bytes: Uint8Array, source: Source): RecordOutcome {
  const record = read(turn, bytes)
  if (typeof record === 'string') return record
  if (record.body.peer === turn.state.config.self) return judgeOwn(turn, record)
  const known = turn.state.table.get(record.body.peer)
  const early = screen(turn, record, known, source)
  if (early !== undefined) return early
  if (!isGenuine(turn, record)) return 'bad-signature'
  const contradiction = known === undefined ? undefined : contradictionOf(known, record)
  if (contradiction !== undefined) {
    emit(turn, { type: 'warrant', warrant: contradiction })
    return 'contradiction'
  }
  if (!isAdmitted()) return 'not-admitted'
  accept(turn, record, known, source)
  return 'accepted'
}

function read(turn: Turn, bytes: Uint8Array): SignedRecord | RecordOutcome {
  try {
    const record = decodeRecord(bytes)
    checkNetwork(record, turn.state.config.networkId)
    return record
  } catch (error) {
    return error instanceof RecordError && error.code === 'BRUME_MEMBERSHIP_WRONG_NET' ? 'wrong-net' : 'malformed'
  }
}

/** What can be said before the signature is checked. */
function screen(turn: Turn, record: SignedRecord, known: Entry | undefined, source: Source): RecordOutcome | undefined {
  const { epoch, seq } = record.body
  if (known !== undefined) {
    if (seq < known.record.body.seq) return 'old'
    if (seq === known.record.body.seq) return isSameBody(known.record, record) ? 'duplicate' : undefined
  }
  if (Math.abs(epoch - turn.state.epoch) > 1) return 'epoch'
  if (known === undefined) return isIntroduced(turn, record, source) ? undefined : 'introducer'
  if (epoch < known.record.body.epoch) return 'epoch'
  const count = known.inEpoch.epoch === epoch ? known.inEpoch.count : 0
  return count < RECORDS_PER_EPOCH_MAX ? undefined : 'rate'
}

function isIntroduced(turn: Turn, record: SignedRecord, { from }: Source): boolean {
  return from === record.body.peer || (turn.state.introductions.get(from) ?? 0) < INTRODUCTIONS_MAX
}

function isGenuine(turn: Turn, record: SignedRecord): boolean {
  try {
    checkRecord(record, turn.state.config.networkId, turn.state.config.verify)
    return true
  } catch (error) {
    if (error instanceof RecordError) return false
    throw error
  }
}

function isSameBody(a: SignedRecord, b: SignedRecord): boolean {
  return equal(a.bodyBytes, b.bodyBytes)
}

/** Two genuine records that cannot both be honest; the first one is kept. */
function contradictionOf({ record, salted, peer }: Entry, other: SignedRecord): Warrant | undefined {
  const warrant = (kind: Warrant['kind'], first: SignedRecord): Warrant => ({
    kind,
    peer,
    first: first.bytes,
    second: other.bytes
  })
  if (record.body.seq === other.body.seq && !isSameBody(record, other)) return warrant('same-seq', record)
  if (record.body.notBefore !== other.body.notBefore || !equal(record.body.vrfKey, other.body.vrfKey)) {
    return warrant('identity-changed', record)
  }
  const [salt, otherSalt] = [salted?.body.salt, other.body.salt]
  if (salted === undefined || salt == null || otherSalt === null || salted.body.epoch !== other.body.epoch)
    return undefined
  return equal(salt, otherSalt) ? undefined : warrant('second-salt', salted)
}

/** Mode 0, open: anyone. Lists and pre-shared keys will be asked here. */
function isAdmitted(): boolean {
  return true
}

function accept(turn: Turn, record: SignedRecord, known: Entry | undefined, source: Source): void {
  if (known === undefined) addEntry(turn, record, source)
  else putEntry(turn, renewed(turn, known, record, source))
  emit(turn, { type: 'save', peer: record.body.peer })
  announceChange(turn, record, known)
}

function addEntry(turn: Turn, record: SignedRecord, { from }: Source): void {
  const introduced = from !== record.body.peer
  if (introduced) {
    const count = (turn.state.introductions.get(from) ?? 0) + 1
    patch(turn, { introductions: new Map(turn.state.introductions).set(from, count) })
  }
  makeRoom(turn)
  putEntry(
    turn,
    newEntry({
      record,
      secret: turn.state.entropy.seed,
      epoch: turn.state.epoch,
      wallMs: turn.at.wallMs,
      introducers: introduced ? [from] : [],
      liveness: isLeaving(record.body) ? { state: 'dead', cause: 'left' } : { state: 'up' }
    })
  )
}

function renewed(turn: Turn, known: Entry, record: SignedRecord, { from }: Source): Entry {
  const { epoch } = record.body
  const sameEpoch = known.record.body.epoch === epoch
  const fresh = record.body.salt === null ? undefined : record
  return {
    ...known,
    record,
    salted: sameEpoch ? (known.salted ?? fresh) : fresh,
    lastSeenMs: turn.at.wallMs,
    introducers: introducersOf(known, from),
    inEpoch: { epoch, count: known.inEpoch.epoch === epoch ? known.inEpoch.count + 1 : 1 },
    liveness: livenessAfter(known, record)
  }
}

function introducersOf(known: Entry, from: PeerId): readonly PeerId[] {
  const full = known.introducers.length >= INTRODUCERS_MAX
  return from === known.peer || full || known.introducers.includes(from)
    ? known.introducers
    : [...known.introducers, from]
}

/**
 * A leaving record kills at once, a later one revives. A suspect stays so: its newest record may
 * have been on its way when it died.
 */
function livenessAfter(known: Entry, record: SignedRecord): Entry['liveness'] {
  if (isLeaving(record.body)) return { state: 'dead', cause: 'left' }
  return known.liveness.state === 'suspect' ? known.liveness : { state: 'up' }
}

function announceChange(turn: Turn, record: SignedRecord, known: Entry | undefined): void {
  const peer = record.body.peer
  const wasDead = known === undefined || known.liveness.state === 'dead'
  if (isLeaving(record.body)) {
    if (!wasDead) emit(turn, { type: 'notify', change: { type: 'member.dead', peer, cause: 'left' } })
    return
  }
  emit(turn, { type: 'notify', change: { type: wasDead ? 'member.up' : 'member.changed', peer } })
}

/** Above the cap the unconnected entry that was seen longest ago goes. */
function makeRoom(turn: Turn): void {
  const { table, links, config } = turn.state
  if (table.size < ENTRIES_MAX) return
  let oldest: Entry | undefined
  for (const entry of table.values()) {
    if (links.has(entry.peer) || entry.peer === config.self) continue
    if (oldest === undefined || entry.lastSeenMs < oldest.lastSeenMs) oldest = entry
  }
  if (oldest === undefined) return
  removeEntry(turn, oldest.peer)
  emit(turn, { type: 'forget', peer: oldest.peer })
  emit(turn, { type: 'notify', change: { type: 'member.forgotten', peer: oldest.peer } })
}

/** A record under one's own id, come back from the network. */
function judgeOwn(turn: Turn, record: SignedRecord): RecordOutcome {
  if (isKnownOwn(turn.state.own, record)) return 'own'
  // Anybody can write our id on a record; only our key can sign it.
  if (!isGenuine(turn, record)) return 'bad-signature'
  seeOwnRecord(turn, record)
  return 'own'
}
