import { Reader, toHex, Writer } from '@brume/codec'
import { sha256 } from '@brume/crypto'
import {
  encodeBody,
  FLAG,
  RECORD_BYTES_MAX,
  type RecordBody,
  SALT_BYTES,
  type SignedRecord,
  type StateFields,
  signRecord
} from '@brume/protocols/membership'
import { BATTERY_STEP, OWN_PER_EPOCH_MAX, OWN_REMEMBERED_MAX, RECORDS_PER_EPOCH_MAX } from '../limits.ts'
import { emit, type Local, type Own, patch, patchOwn, putEntry, random32, type Turn } from './state.ts'
import { newEntry } from './table.ts'

/** Journal kind: seq, salt and body hash of an own record, before it is signed. Membership has 16 to 31. */
export const OWN_RECORD_KIND = 16

const NAME_BYTES = 16
/** `[body, signature]`: an array head, two byte-string heads, 64 B. */
const SIGNED_HEAD_BYTES = 70

/** One journaled number. */
export interface OwnMark {
  readonly seq: number
  readonly notBefore: number
  readonly epoch: number
  readonly salt: Uint8Array | null
  /** First 16 B of SHA-256(body), in hex. */
  readonly name: string
}

/** u64 seq ‖ u32 notBefore ‖ u32 epoch ‖ u8 salted ‖ salt 16 or zeros ‖ name 16. */
function encodeMark(body: RecordBody, bodyBytes: Uint8Array): Uint8Array {
  return new Writer(49)
    .u64(body.seq)
    .u32(body.notBefore)
    .u32(body.epoch)
    .u8(body.salt === null ? 0 : 1)
    .bytes(body.salt ?? new Uint8Array(SALT_BYTES))
    .bytes(sha256(bodyBytes).subarray(0, NAME_BYTES))
    .finish()
}

/** Throws `CodecError` on another length. */
export function decodeMark(payload: Uint8Array): OwnMark {
  const reader = new Reader(payload)
  const [seq, notBefore, epoch, salted] = [reader.u64(), reader.u32(), reader.u32(), reader.u8()]
  const salt = reader.bytes(SALT_BYTES).slice()
  const name = toHex(reader.bytes(NAME_BYTES))
  reader.end()
  return { seq, notBefore, epoch, salt: salted === 1 ? salt : null, name }
}

/** How urgent a new own record is: `soon` keeps the distance of a minute. */
export type Urgency = 'now' | 'soon' | 'leaving'

/** Starts a new own record: composed, numbered, given to the journal. Signed and sent once that has it. */
export function renewOwn(turn: Turn, urgency: Urgency): void {
  const { own, config } = turn.state
  if (own.pending !== undefined) return patchOwn(turn, { again: true })
  const allowed = urgency === 'leaving' ? RECORDS_PER_EPOCH_MAX : OWN_PER_EPOCH_MAX
  // Without any record there is no Hello, and without Hello no link: the first one always goes out.
  if (own.record !== undefined && spentInEpoch(turn) >= allowed)
    return urgency === 'leaving' ? emit(turn, { type: 'left' }) : undefined
  const waitMs = (own.publishedMs ?? Number.NEGATIVE_INFINITY) + config.timing.publishGapMs - turn.at.nowMs
  if (urgency === 'soon' && waitMs > 0) return emit(turn, { type: 'arm', timer: 'publish', delayMs: waitMs })
  journalNext(turn, urgency === 'leaving')
}

/** The journal has the number: sign, keep, tell. */
export function ownSynced(turn: Turn, seq: number): void {
  const { own, config } = turn.state
  if (own.pending?.seq !== seq) return
  const record = signRecord(own.pending.body, config.sign)
  patchOwn(turn, { record, pending: undefined, publishedMs: turn.at.nowMs, again: false })
  keepOwn(turn, record)
  const leaving = turn.state.phase === 'leaving'
  emit(turn, { type: 'publish', record: record.bytes, flood: leaving })
  for (const [peer, link] of turn.state.links) {
    if (leaving && link.helloSent)
      emit(turn, { type: 'send', peer, message: { type: 'records', records: [record.bytes] } })
  }
  if (leaving && (record.body.flags & FLAG.leaving) !== 0) emit(turn, { type: 'left' })
  else if (own.again) renewOwn(turn, leaving ? 'leaving' : 'soon')
}

/** Local facts changed: addresses, flags and mode are told at once, battery and heat when they moved far enough. */
export function localChanged(turn: Turn, change: Partial<Local>): void {
  const before = turn.state.local
  const local = { ...before, ...change }
  patch(turn, { local })
  const told = turn.state.own.pending?.body ?? turn.state.own.record?.body
  if (told === undefined || turn.state.phase === 'leaving') return
  const urgent =
    told.addresses.join() !== local.addresses.join() ||
    told.flags !== local.flags ||
    told.state.mode !== local.state.mode
  if (urgent) renewOwn(turn, 'now')
  else if (movedFar(told.state, local.state)) renewOwn(turn, 'soon')
}

/** Does the journal know this content under this number? Then it is an echo. */
export function isKnownOwn(own: Own, record: SignedRecord): boolean {
  return own.known.get(record.body.seq) === nameOf(record.bodyBytes)
}

/**
 * A genuine record under one's own id that is no echo: somebody else signs with this key, and going
 * on would be taken for a lie, unless the own past was lost with the journal.
 */
export function seeOwnRecord(turn: Turn, record: SignedRecord): void {
  const { own } = turn.state
  const { seq, epoch, salt } = record.body
  const oldest = own.known.keys().next().value
  // Older than what is remembered: nothing can be said of it.
  if (oldest === undefined ? seq < own.seq : seq < oldest) return
  // A living clone answers each of our jumps with one of its own: that ends here too.
  const past = own.recovering && spentInEpoch(turn) < OWN_PER_EPOCH_MAX
  if (!past) return emit(turn, { type: 'halt', reason: 'cloned', detail: `record ${seq} of epoch ${epoch}` })
  patchOwn(turn, {
    seq: Math.max(own.seq, seq),
    known: remember(own.known, seq, nameOf(record.bodyBytes)),
    salts: salt === null ? own.salts : new Map(own.salts).set(epoch, salt)
  })
  renewOwn(turn, 'now')
}

/** What journal and store tell of one's own records. */
export interface OwnPast {
  /** Ascending by seq, at most `OWN_REMEMBERED_MAX`. */
  readonly marks: readonly OwnMark[]
  readonly record: SignedRecord | undefined
}

export function ownPast(marks: readonly OwnMark[], stored: SignedRecord | undefined): OwnPast {
  const all = stored === undefined ? marks : [markOf(stored), ...marks]
  return { marks: [...all].sort((a, b) => a.seq - b.seq).slice(-OWN_REMEMBERED_MAX), record: stored }
}

/** The own state at start. `lost`: the journal is known to have been longer. */
export function restoreOwn(
  { marks, record }: OwnPast,
  options: { readonly epoch: number; readonly lost: boolean; readonly notBefore: number | undefined }
): Own {
  const { epoch, lost } = options
  const salts = new Map<number, Uint8Array | null>()
  // After a lost journal this epoch's salt may already be out: none is better than a second one.
  if (lost) salts.set(epoch, null)
  for (const mark of marks) if (mark.salt !== null || !salts.has(mark.epoch)) salts.set(mark.epoch, mark.salt)
  const inEpoch = new Set(marks.filter((mark) => mark.epoch === epoch).map((mark) => mark.seq))
  return {
    seq: marks.at(-1)?.seq ?? 0,
    notBefore: marks.at(-1)?.notBefore ?? options.notBefore ?? epoch,
    salts,
    known: new Map(marks.map((mark) => [mark.seq, mark.name])),
    record,
    pending: undefined,
    inEpoch: { epoch, count: inEpoch.size },
    publishedMs: undefined,
    again: false,
    recovering: lost
  }
}

function journalNext(turn: Turn, leaving: boolean): void {
  const { body, bodyBytes } = fit(compose(turn, leaving))
  const { own } = turn.state
  patchOwn(turn, {
    seq: body.seq,
    known: remember(own.known, body.seq, nameOf(bodyBytes)),
    pending: { seq: body.seq, body },
    inEpoch: { epoch: body.epoch, count: spentInEpoch(turn) + 1 }
  })
  emit(turn, { type: 'journal', seq: body.seq, kind: OWN_RECORD_KIND, payload: encodeMark(body, bodyBytes) })
}

function compose(turn: Turn, leaving: boolean): RecordBody {
  const { config, local, epoch } = turn.state
  const salt = saltOf(turn)
  return {
    networkId: config.networkId,
    peer: config.self,
    vrfKey: config.vrfKey,
    notBefore: turn.state.own.notBefore,
    seq: nextSeq(turn),
    epoch,
    salt,
    flags: leaving ? local.flags | FLAG.leaving : local.flags,
    degree: config.degree,
    addresses: leaving ? [] : local.addresses,
    place: config.place,
    certificate: config.certificate,
    host: config.host,
    state: local.state,
    work: config.work,
    onion: null,
    extensions: {}
  }
}

/** Addresses come best first: those that would make the record too long are left out. */
function fit(body: RecordBody): { readonly body: RecordBody; readonly bodyBytes: Uint8Array } {
  const bodyBytes = encodeBody(body)
  if (bodyBytes.length <= RECORD_BYTES_MAX - SIGNED_HEAD_BYTES || body.addresses.length === 0)
    return { body, bodyBytes }
  return fit({ ...body, addresses: body.addresses.slice(0, -1) })
}

/**
 * One above the last, and at least the wall clock in milliseconds: a lost journal then repeats no number,
 * and two copies of a data folder do not sign the same one, which would look like a lie instead of a copy.
 */
function nextSeq(turn: Turn): number {
  return Math.max(turn.state.own.seq + 1, Math.floor(turn.at.wallMs))
}

function saltOf(turn: Turn): Uint8Array | null {
  const { own, epoch } = turn.state
  const known = own.salts.get(epoch)
  if (known !== undefined) return known
  const salt = random32(turn).slice(0, SALT_BYTES)
  const salts = [...own.salts, [epoch, salt] as const].slice(-OWN_REMEMBERED_MAX)
  patchOwn(turn, { salts: new Map(salts), recovering: false })
  return salt
}

function spentInEpoch({ state }: Turn): number {
  return state.own.inEpoch.epoch === state.epoch ? state.own.inEpoch.count : 0
}

function keepOwn(turn: Turn, record: SignedRecord): void {
  const known = turn.state.table.get(record.body.peer)
  const fresh = newEntry({
    record,
    secret: turn.state.entropy.seed,
    epoch: turn.state.epoch,
    wallMs: turn.at.wallMs,
    introducers: [],
    liveness: { state: 'up' }
  })
  putEntry(turn, known === undefined ? fresh : { ...known, record, lastSeenMs: turn.at.wallMs })
  emit(turn, { type: 'save', peer: record.body.peer })
}

function remember(known: Own['known'], seq: number, name: string): Own['known'] {
  const next = [...known, [seq, name] as const].sort(([a], [b]) => a - b)
  return new Map(next.slice(-OWN_REMEMBERED_MAX))
}

function movedFar(told: StateFields, now: StateFields): boolean {
  const [before, after] = [told.battery ?? 100, now.battery ?? 100]
  return Math.abs(before - after) >= BATTERY_STEP || told.thermal !== now.thermal
}

function markOf(record: SignedRecord): OwnMark {
  const { seq, notBefore, epoch, salt } = record.body
  return { seq, notBefore, epoch, salt, name: nameOf(record.bodyBytes) }
}

function nameOf(bodyBytes: Uint8Array): string {
  return toHex(sha256(bodyBytes).subarray(0, NAME_BYTES))
}
