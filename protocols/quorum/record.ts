import {
  asArray,
  asBoolean,
  asBytes,
  asUint,
  type CborValue,
  CodecError,
  compare,
  decode,
  encode,
  optional
} from '@brume/codec'
import { MEMBERS_MAX, type MemberClass } from '@brume/consensus'
import { RECORD_BYTES_MAX } from './checkpoint.ts'
import { type ManifestMember, memberField, readClass, readMember } from './manifest.ts'

const VERSION = 1

/** Sessions remembered at once: a client that opens more waits until old ones expire. */
export const SESSIONS_MAX = 4_096

/** Who asks to become a member, at 300 bytes each; there is always a place for one that somebody vouches for. */
export const CANDIDATES_MAX = 128

/** Opinions of one member: on every member of a committee of 64, or on the newest candidates. */
export const VOUCHES_PER_MEMBER_MAX = 64

/** Keys that have been proven to lie; the oldest makes room. */
export const WARRANTS_MAX = 256

/** Who asks to be let in. Its weight comes of the class that members vouch for. */
export interface Candidacy extends Omit<ManifestMember, 'weight' | 'class'> {
  /** Of a statement about its hardware, kept elsewhere, 32 bytes. */
  readonly attestation: Uint8Array | null
  /** When it asked. */
  readonly height: number
}

/** One member's opinion on one key, for committees up to that of `untilEpoch`. */
export interface Vouch {
  readonly voucher: Uint8Array
  readonly subject: Uint8Array
  readonly admit: boolean
  readonly class: MemberClass
  readonly untilEpoch: number
}

/** A key that said two things about one view. */
export interface Warrant {
  readonly key: Uint8Array
  readonly epoch: number
  readonly view: number
  readonly kind: number
}

/** Who decides, who is about to, and who wants to; all lists ascend by key. */
export interface Membership {
  readonly epoch: number
  /** Height and group time of the block that closed the epoch before; of epoch 0 the time of its first block. */
  readonly openedHeight: number
  readonly openedMs: number
  /** 32 bytes: fixes the order of leaders. */
  readonly seed: Uint8Array
  /** What the next seed will be if the epoch closes now, 32 bytes. */
  readonly draw: Uint8Array
  /** Members, by index, that have drawn in this epoch; ascending. */
  readonly drawn: readonly number[]
  readonly members: readonly ManifestMember[]
  /** Of the next epoch. */
  readonly next: readonly ManifestMember[]
  readonly candidates: readonly Candidacy[]
  readonly vouches: readonly Vouch[]
  readonly leaving: readonly Uint8Array[]
  readonly warrants: readonly Warrant[]
  /** Members that want this epoch closed. */
  readonly closes: readonly Uint8Array[]
  /** Epochs, from this one on, that close with their first block. */
  readonly urgent: number
}

/** How far a client's session has come. */
export interface SessionEntry {
  readonly client: Uint8Array
  readonly session: number
  /** Of the last command that took effect. */
  readonly sequence: number
  /** The largest expiry its commands had, group time in ms. */
  readonly expiresMs: number
}

/** The quorum's own replicated state after a block: what decides whose votes count and what takes effect next. */
export interface QuorumRecord {
  readonly height: number
  readonly timeMs: number
  readonly membership: Membership
  /** Ascending by client and session. */
  readonly sessions: readonly SessionEntry[]
}

/** `[1, height, timeMs, membership, sessions, draw]`, canonical CBOR of at most 1 MiB. */
export function encodeRecord({ height, timeMs, membership, sessions }: QuorumRecord): Uint8Array {
  const entries = sessions.map(({ client, session, sequence, expiresMs }) => [client, session, sequence, expiresMs])
  return encode([VERSION, height, timeMs, membershipField(membership), entries, membership.draw])
}

/** @throws CodecError, ManifestError */
export function decodeRecord(bytes: Uint8Array): QuorumRecord {
  const fields = asArray(decode(bytes, { bytesMax: RECORD_BYTES_MAX, itemsMax: 131_072 }), 'record', 6)
  const [version, height, timeMs, membership, sessions, draw] = fields
  asUint(version, 'record version', VERSION, VERSION)
  return {
    height: asUint(height, 'height'),
    timeMs: asUint(timeMs, 'timeMs'),
    membership: readMembership(membership, asBytes(draw, 'draw', 32)),
    sessions: ascending(
      asArray(sessions, 'sessions', { min: 0, max: SESSIONS_MAX }).map(readSession),
      compareSessions,
      'sessions'
    )
  }
}

/** Membership alone, as it lies in a member's store. */
export function encodeMembership(membership: Membership): Uint8Array {
  return encode([membershipField(membership), membership.draw])
}

/** @throws CodecError, ManifestError */
export function decodeMembership(bytes: Uint8Array): Membership {
  const [fields, draw] = asArray(decode(bytes, { bytesMax: RECORD_BYTES_MAX, itemsMax: 131_072 }), 'membership', 2)
  return readMembership(fields, asBytes(draw, 'draw', 32))
}

function membershipField(membership: Membership): CborValue {
  const { epoch, openedHeight, openedMs, seed, drawn, members, next, urgent } = membership
  return [
    [epoch, openedHeight, openedMs, seed, [...drawn]],
    members.map(memberField),
    next.map(memberField),
    membership.candidates.map(candidacyField),
    vouchesField(membership.vouches),
    [...membership.leaving],
    membership.warrants.map(({ key, epoch: at, view, kind }) => [key, at, view, kind]),
    [...membership.closes],
    urgent
  ]
}

function readMembership(value: CborValue | undefined, draw: Uint8Array): Membership {
  const fields = asArray(value, 'membership', 9)
  const [opening, members, next, candidates, vouches, leaving, warrants, closes, urgent] = fields
  const [epoch, openedHeight, openedMs, seed, drawn] = asArray(opening, 'opening', 5)
  return {
    epoch: asUint(epoch, 'epoch'),
    openedHeight: asUint(openedHeight, 'openedHeight'),
    openedMs: asUint(openedMs, 'openedMs'),
    seed: asBytes(seed, 'seed', 32),
    draw,
    drawn: asArray(drawn, 'drawn', { min: 0, max: MEMBERS_MAX }).map((index) =>
      asUint(index, 'index', MEMBERS_MAX - 1)
    ),
    members: readList(members, 'members', MEMBERS_MAX, readMember, ({ key }) => key),
    next: readList(next, 'next', MEMBERS_MAX, readMember, ({ key }) => key),
    candidates: readList(candidates, 'candidates', CANDIDATES_MAX, readCandidacy, ({ key }) => key),
    vouches: readList(vouches, 'vouches', VOUCHERS_MAX, readVoucher, ({ voucher }) => voucher).flatMap(
      ({ opinions }) => opinions
    ),
    leaving: readList(leaving, 'leaving', LEAVING_MAX, readKey, (key) => key),
    warrants: readList(warrants, 'warrants', WARRANTS_MAX, readWarrant, ({ key }) => key),
    closes: readList(closes, 'closes', MEMBERS_MAX, readKey, (key) => key),
    urgent: asUint(urgent, 'urgent', 2)
  }
}

/** Members of two epochs. */
const LEAVING_MAX = 2 * MEMBERS_MAX
const VOUCHERS_MAX = 2 * MEMBERS_MAX

function readList<T>(
  value: CborValue | undefined,
  what: string,
  max: number,
  read: (item: CborValue) => T,
  keyOf: (item: T) => Uint8Array
): readonly T[] {
  const items = asArray(value, what, { min: 0, max }).map(read)
  return ascending(items, (a, b) => compare(keyOf(a), keyOf(b)), what)
}

function ascending<T>(items: readonly T[], order: (a: T, b: T) => number, what: string): readonly T[] {
  items.forEach((item, i) => {
    const before = items[i - 1]
    if (before !== undefined && order(before, item) >= 0) {
      throw new CodecError('BRUME_CODEC_NOT_CANONICAL', `${what} must ascend`)
    }
  })
  return items
}

function readKey(value: CborValue): Uint8Array {
  return asBytes(value, 'key', 32)
}

/** As a member of class 0 and least weight, so that who is asking is checked by the same rules as who is in. */
export function candidacyField({ attestation, height, ...member }: Candidacy): CborValue {
  return [memberField({ ...member, weight: 1 }), attestation, height]
}

/** @throws CodecError, ManifestError */
export function readCandidacy(value: CborValue): Candidacy {
  const [fields, attestation, height] = asArray(value, 'candidate', 3)
  const { weight, class: ownClass, ...member } = readMember(fields ?? null)
  if (weight !== 1 || ownClass !== 0) {
    throw new CodecError('BRUME_CODEC_SHAPE', 'a candidate names its own weight or class')
  }
  return {
    ...member,
    attestation: optional(attestation, (digest) => asBytes(digest, 'attestation', 32)),
    height: asUint(height, 'height')
  }
}

/** By voucher, so that its key is there once. */
function vouchesField(vouches: readonly Vouch[]): CborValue {
  const lists: [Uint8Array, CborValue[]][] = []
  for (const { voucher, subject, admit, class: ownClass, untilEpoch } of vouches) {
    const last = lists.at(-1)
    const item: CborValue = [subject, admit, ownClass, untilEpoch]
    if (last !== undefined && compare(last[0], voucher) === 0) last[1].push(item)
    else lists.push([voucher, [item]])
  }
  return lists
}

function readVoucher(value: CborValue): { readonly voucher: Uint8Array; readonly opinions: readonly Vouch[] } {
  const [key, list] = asArray(value, 'voucher', 2)
  const voucher = asBytes(key, 'voucher', 32)
  const items = asArray(list, 'vouches', { min: 1, max: VOUCHES_PER_MEMBER_MAX }).map((item) => {
    const [subject, admit, ownClass, untilEpoch] = asArray(item, 'vouch', 4)
    return {
      voucher,
      subject: asBytes(subject, 'subject', 32),
      admit: asBoolean(admit, 'admit'),
      class: readClass(ownClass),
      untilEpoch: asUint(untilEpoch, 'untilEpoch')
    }
  })
  return { voucher, opinions: ascending(items, (a, b) => compare(a.subject, b.subject), 'vouches') }
}

function readWarrant(value: CborValue): Warrant {
  const [key, epoch, view, kind] = asArray(value, 'warrant', 4)
  return {
    key: asBytes(key, 'key', 32),
    epoch: asUint(epoch, 'epoch'),
    view: asUint(view, 'view'),
    kind: asUint(kind, 'kind', 255, 1)
  }
}

function readSession(value: CborValue): SessionEntry {
  const [client, session, sequence, expiresMs] = asArray(value, 'session', 4)
  return {
    client: asBytes(client, 'client', 32),
    session: asUint(session, 'session', 0xffff_ffff),
    sequence: asUint(sequence, 'sequence', 0xffff_ffff, 1),
    expiresMs: asUint(expiresMs, 'expiresMs')
  }
}

/** @returns negative, zero or positive, as for sorting */
export function compareSessions(a: SessionEntry, b: SessionEntry): number {
  return compare(a.client, b.client) || a.session - b.session
}
