import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

/** One record, as testing.md 8.2 lays it out. */
export interface FoundRecord {
  readonly sequence: number
  readonly kind: number
  readonly payload: Buffer
}

const MAGIC = 'BRUMEJ1\0'
const SEGMENT_HEADER_BYTES = 96
const RECORD_HEADER_BYTES = 56
const ALIGNMENT = 8
const CRC_AT = 4

function checksum(record: Buffer): number {
  const copy = Buffer.from(record)
  copy.writeUInt32BE(0, CRC_AT)
  return crc32(copy)
}

/** Records of one segment up to the first that is not whole; the rest is zeros, or was being written. */
export function readSegment(bytes: Buffer): readonly FoundRecord[] {
  const records: FoundRecord[] = []
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return records
  let at = SEGMENT_HEADER_BYTES
  while (at + RECORD_HEADER_BYTES <= bytes.length) {
    const payloadBytes = bytes.readUInt32BE(at)
    const end = at + Math.ceil((RECORD_HEADER_BYTES + payloadBytes) / ALIGNMENT) * ALIGNMENT
    if (payloadBytes === 0 || end > bytes.length) break
    const record = bytes.subarray(at, end)
    if (record.readUInt32BE(CRC_AT) !== checksum(record)) break
    records.push({
      sequence: Number(record.readBigUInt64BE(8)),
      kind: record.readUInt16BE(16),
      payload: record.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + payloadBytes)
    })
    at = end
  }
  return records
}

/** All records that a journal's folder still holds, oldest first; none where there is no journal. */
export function readJournalFolder(folder: string): readonly FoundRecord[] {
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch {
    return []
  }
  const segments = names.filter((name) => /^\d{20}\.bj$/.test(name)).sort()
  return segments.flatMap((name) => readSegment(readFileSync(join(folder, name))))
}
