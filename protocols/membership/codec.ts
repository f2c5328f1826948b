import { asArray, asBoolean, asBytes, asUint, type CborValue, decode, encode, Reader, Writer } from '@brume/codec'
import { malformed } from './errors.ts'
import {
  BUCKETS,
  DIGEST_BYTES,
  FRAME_BYTES_MAX,
  ID_BYTES,
  RECORD_BYTES_MAX,
  RECORDS_MAX,
  ROOT_BYTES,
  SUMMARIES_MAX,
  SUMMARY_BYTES,
  WANT_MAX
} from './id.ts'
import type { Announcement, MembershipMessage, Summaries, Summary } from './messages.ts'

const KIND = { hello: 0, digest: 1, summaries: 2, want: 3, records: 4 } as const
const KIND_MAX = 255
/** Gossip kind of a record; 1 is taken by the drand beacon. */
const RECORD_KIND = 0

const FRAME_LIMITS = { bytesMax: FRAME_BYTES_MAX, depthMax: 3, itemsMax: 2 * RECORDS_MAX }
/** `[0, record]`: two heads and one record. */
const ANNOUNCEMENT_LIMITS = { bytesMax: RECORD_BYTES_MAX + 8, depthMax: 2, itemsMax: 8 }

/** One frame of `/brume/membership/1.0.0`. */
export function encodeMessage(message: MembershipMessage): Uint8Array {
  return encode(write(message))
}

/** Reads one frame. Throws `CodecError` or `RecordError`; records inside stay undecoded. */
export function decodeMessage(bytes: Uint8Array): MembershipMessage {
  const fields = asArray(decode(bytes, FRAME_LIMITS), 'message', { min: 1, max: 6 })
  switch (asUint(fields[0], 'message kind', KIND_MAX)) {
    case KIND.hello:
      return readHello(fields)
    case KIND.digest:
      return { type: 'digest', buckets: asBytes(asArray(fields, 'digest', 2)[1], 'digest', DIGEST_BYTES) }
    case KIND.summaries:
      return readSummaries(fields)
    case KIND.want:
      return { type: 'want', ids: readIds(asArray(fields, 'want', 2)[1]) }
    case KIND.records:
      return { type: 'records', records: readRecords(asArray(fields, 'records', 2)[1]) }
    default:
      throw malformed('the frame is of no kind of version 1')
  }
}

/** One message of the members topic: `[0, record]`. */
export function encodeAnnouncement(record: Uint8Array): Uint8Array {
  return encode([RECORD_KIND, record])
}

/** Reads a gossip message. Throws `CodecError` or `RecordError`. */
export function decodeAnnouncement(bytes: Uint8Array): Announcement {
  const fields = asArray(decode(bytes, ANNOUNCEMENT_LIMITS), 'announcement', { min: 1, max: 8 })
  if (asUint(fields[0], 'announcement kind', KIND_MAX) !== RECORD_KIND) return { type: 'other' }
  const [, record] = asArray(fields, 'announcement', 2)
  return { type: 'record', record: asBytes(record, 'record', { min: 1, max: RECORD_BYTES_MAX }) }
}

function write(message: MembershipMessage): CborValue {
  switch (message.type) {
    case 'hello':
      return [KIND.hello, message.record, message.fogTimeMs, message.clockQuality, message.members, message.root]
    case 'digest':
      return [KIND.digest, message.buckets]
    case 'summaries':
      return [KIND.summaries, Uint8Array.from(message.buckets), packSummaries(message.entries), message.answer]
    case 'want':
      return [KIND.want, packIds(message.ids)]
    case 'records':
      return [KIND.records, message.records]
  }
}

function readHello(fields: readonly CborValue[]): MembershipMessage {
  const [, record, fogTimeMs, quality, members, root] = asArray(fields, 'hello', 6)
  return {
    type: 'hello',
    record: asBytes(record, 'record', { min: 1, max: RECORD_BYTES_MAX }),
    fogTimeMs: asUint(fogTimeMs, 'fog time'),
    clockQuality: readQuality(asUint(quality, 'clock quality', 2)),
    members: asUint(members, 'member count', 0xffff_ffff),
    root: asBytes(root, 'digest root', ROOT_BYTES)
  }
}

function readQuality(number: number): 0 | 1 | 2 {
  return number === 2 ? 2 : number === 1 ? 1 : 0
}

function readSummaries(fields: readonly CborValue[]): Summaries {
  const [, buckets, entries, answer] = asArray(fields, 'summaries', 4)
  return {
    type: 'summaries',
    buckets: readBuckets(asBytes(buckets, 'buckets', { min: 1, max: BUCKETS })),
    entries: unpackSummaries(asBytes(entries, 'summaries', { min: 0, max: SUMMARIES_MAX * SUMMARY_BYTES })),
    answer: asBoolean(answer, 'answer')
  }
}

/** Ascending, so that each is named once. */
function readBuckets(bytes: Uint8Array): readonly number[] {
  const buckets = Array.from(bytes)
  if (buckets.some((bucket, index) => index > 0 && bucket <= (buckets[index - 1] ?? -1))) {
    throw malformed('bucket numbers do not ascend')
  }
  return buckets
}

function packSummaries(entries: readonly Summary[]): Uint8Array {
  const writer = new Writer(entries.length * SUMMARY_BYTES)
  for (const entry of entries) writer.bytes(entry.id16).u64(entry.seq)
  return writer.finish()
}

function unpackSummaries(bytes: Uint8Array): readonly Summary[] {
  if (bytes.length % SUMMARY_BYTES !== 0) throw malformed('summaries are not a multiple of 24 bytes')
  const reader = new Reader(bytes)
  return Array.from({ length: bytes.length / SUMMARY_BYTES }, () => ({
    id16: reader.bytes(ID_BYTES),
    seq: reader.u64()
  }))
}

function packIds(ids: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer(ids.length * ID_BYTES)
  for (const id of ids) writer.bytes(id)
  return writer.finish()
}

function readIds(value: CborValue | undefined): readonly Uint8Array[] {
  const bytes = asBytes(value, 'wanted ids', { min: ID_BYTES, max: WANT_MAX * ID_BYTES })
  if (bytes.length % ID_BYTES !== 0) throw malformed('wanted ids are not a multiple of 16 bytes')
  const reader = new Reader(bytes)
  return Array.from({ length: bytes.length / ID_BYTES }, () => reader.bytes(ID_BYTES))
}

function readRecords(value: CborValue | undefined): readonly Uint8Array[] {
  return asArray(value, 'records', { min: 1, max: RECORDS_MAX }).map((record) =>
    asBytes(record, 'record', { min: 1, max: RECORD_BYTES_MAX })
  )
}
