import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/**
 * The journal's file format, byte by byte; all integers big-endian. A segment is a file of fixed
 * size, zero-filled beforehand: a header of 96 bytes, then records, each a multiple of 8 bytes,
 * then zeros.
 *
 *     header                              record
 *      0  magic "BRUMEJ1\0"                0  payload length u32, 1..65,536; 0 ends the segment
 *      8  version u16 = 1                  4  CRC-32 u32 of the record with this field zero
 *     10  header length u16 = 96           8  sequence u64, consecutive
 *     12  segment bytes u32               16  kind u16, flags u16, reserved u32 = 0
 *     16  first sequence u64              24  chain, 32 bytes
 *     24  owner, SHA-256 of a public key  56  payload, padded with zeros
 *     56  chain before the first record
 *     88  reserved u32, CRC-32 of bytes 0..91
 *
 * chain = SHA-256("brume/journal/1" | previous chain | sequence | kind | flags | payload)
 */
export const HEADER_BYTES = 96
export const RECORD_HEADER_BYTES = 56
export const CHAIN_BYTES = 32
export const PAYLOAD_BYTES_MAX = 65_536
/** Large enough for thousands of votes, small enough that zero-filling one costs an SD card well under a second. */
export const SEGMENT_BYTES = 4 * 1024 * 1024
/** A segment takes at least one record of any size. */
export const SEGMENT_BYTES_MIN = HEADER_BYTES + RECORD_HEADER_BYTES + PAYLOAD_BYTES_MAX
/** Read into memory as a whole at open. */
export const SEGMENT_BYTES_MAX = 64 * 1024 * 1024
export const VERSION = 1

/** Record kinds from here on belong to the journal itself. */
export const KIND_RESERVED = 0xff00
/** Payload [batch number, chain]: LevelDB had synced its mark of that number. */
export const KIND_CHECKPOINT = 0xff01
/** Payload [verdict]: the first record of a journal that replaces a lost or damaged one. */
export const KIND_REBORN = 0xff02
/** Payload null, so that it fits wherever a record was torn: here the journal was cut, what may have stood here is gone. */
export const KIND_CUT = 0xff03
/** Of a checkpoint: nothing was appended after it by this process. */
export const FLAG_CLEAN_STOP = 1

const MAGIC = new TextEncoder().encode('BRUMEJ1\0')
const CHAIN_DOMAIN = new TextEncoder().encode('brume/journal/1')
/** sequence u64, kind u16, flags u16 */
const CHAINED_FIELDS_BYTES = 12

export const NO_CHAIN: Uint8Array = new Uint8Array(CHAIN_BYTES)

export interface SegmentHeader {
  readonly segmentBytes: number
  readonly firstSequence: number
  readonly owner: Uint8Array
  readonly chainBefore: Uint8Array
}

export interface RawRecord {
  readonly sequence: number
  readonly kind: number
  readonly flags: number
  readonly chain: Uint8Array
  readonly payload: Uint8Array
}

/** What a record takes on disk. */
export const recordBytes = (payloadBytes: number): number => RECORD_HEADER_BYTES + Math.ceil(payloadBytes / 8) * 8

export const segmentName = (firstSequence: number): string => `${String(firstSequence).padStart(20, '0')}.bj`

/** The first sequence in a segment's name; undefined for any other file. */
export function sequenceOfName(name: string): number | undefined {
  if (!/^\d{20}\.bj$/.test(name)) return undefined
  const sequence = Number(name.slice(0, 20))
  return Number.isSafeInteger(sequence) ? sequence : undefined
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

export function encodeHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = viewOf(bytes)
  bytes.set(MAGIC)
  view.setUint16(8, VERSION)
  view.setUint16(10, HEADER_BYTES)
  view.setUint32(12, header.segmentBytes)
  view.setBigUint64(16, BigInt(header.firstSequence))
  bytes.set(header.owner, 24)
  bytes.set(header.chainBefore, 56)
  view.setUint32(92, crc32(bytes.subarray(0, 92)))
  return bytes
}

/** `version` alone where an intact header is of another format; undefined for anything damaged. */
export function decodeHeader(bytes: Uint8Array): SegmentHeader | { readonly version: number } | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const view = viewOf(bytes)
  if (!MAGIC.every((byte, index) => bytes[index] === byte)) return undefined
  if (view.getUint32(92) !== crc32(bytes.subarray(0, 92))) return undefined
  const version = view.getUint16(8)
  if (version !== VERSION || view.getUint16(10) !== HEADER_BYTES || view.getUint32(88) !== 0) return { version }
  const segmentBytes = view.getUint32(12)
  const firstSequence = Number(view.getBigUint64(16))
  if (segmentBytes < SEGMENT_BYTES_MIN || segmentBytes > SEGMENT_BYTES_MAX) return undefined
  if (!Number.isSafeInteger(firstSequence) || firstSequence < 1) return undefined
  return { segmentBytes, firstSequence, owner: bytes.slice(24, 56), chainBefore: bytes.slice(56, 88) }
}

export function chainOf(
  before: Uint8Array,
  record: { readonly sequence: number; readonly kind: number; readonly flags: number; readonly payload: Uint8Array }
): Uint8Array {
  const fieldsAt = CHAIN_DOMAIN.length + CHAIN_BYTES
  // From Buffer's pool: a fresh array of 260 bytes costs as much as a third of the hash.
  const input = Buffer.allocUnsafe(fieldsAt + CHAINED_FIELDS_BYTES + record.payload.length)
  const view = viewOf(input)
  input.set(CHAIN_DOMAIN)
  input.set(before, CHAIN_DOMAIN.length)
  view.setBigUint64(fieldsAt, BigInt(record.sequence))
  view.setUint16(fieldsAt + 8, record.kind)
  view.setUint16(fieldsAt + 10, record.flags)
  input.set(record.payload, fieldsAt + CHAINED_FIELDS_BYTES)
  return hash('sha256', input, 'buffer')
}

export function encodeRecord(record: RawRecord): Uint8Array {
  const bytes = Buffer.allocUnsafe(recordBytes(record.payload.length))
  const view = viewOf(bytes)
  view.setUint32(0, record.payload.length)
  view.setUint32(4, 0)
  view.setBigUint64(8, BigInt(record.sequence))
  view.setUint16(16, record.kind)
  view.setUint16(18, record.flags)
  view.setUint32(20, 0)
  bytes.set(record.chain, 24)
  bytes.set(record.payload, RECORD_HEADER_BYTES)
  bytes.fill(0, RECORD_HEADER_BYTES + record.payload.length)
  view.setUint32(4, crc32(bytes))
  return bytes
}

/**
 * The record at `offset` if length, reserved field and CRC are right; sequence and chain are for the
 * caller to compare. The bytes are views.
 */
export function decodeRecord(segment: Uint8Array, offset: number): RawRecord | undefined {
  if (offset + RECORD_HEADER_BYTES > segment.length) return undefined
  const view = new DataView(segment.buffer, segment.byteOffset + offset, segment.length - offset)
  const length = view.getUint32(0)
  const total = recordBytes(length)
  if (length < 1 || length > PAYLOAD_BYTES_MAX || total > view.byteLength || view.getUint32(20) !== 0) return undefined
  const bytes = segment.subarray(offset, offset + total)
  if (view.getUint32(4) !== recordChecksum(bytes)) return undefined
  const sequence = Number(view.getBigUint64(8))
  const payload = bytes.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + length)
  return { sequence, kind: view.getUint16(16), flags: view.getUint16(18), chain: bytes.subarray(24, 56), payload }
}

const ZERO_CRC = new Uint8Array(4)

const recordChecksum = (record: Uint8Array): number =>
  crc32(record.subarray(8), crc32(ZERO_CRC, crc32(record.subarray(0, 4))))
