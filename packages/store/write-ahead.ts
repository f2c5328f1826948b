import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * LevelDB's write-ahead log, as its doc/log_format.md gives it: blocks of 32 KiB, in them records of
 * CRC-32C u32 (masked, over type and payload) | length u16 | type u8 | payload, all little-endian. The last six bytes of a
 * block and what was only reserved are zeros.
 */
const BLOCK_BYTES = 32_768
const HEADER_BYTES = 7
const TYPE_MAX = 4

/** Castagnoli's polynomial, reflected. */
const POLYNOMIAL = 0x82f63b78
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0)
  return crc
})

const LOG_NAME = /^\d+\.log$/

/**
 * The first log of a LevelDB folder that is damaged before its end, null if none is. LevelDB itself drops the rest of a
 * block behind a bad record without a word, and with it what was synced and acknowledged; so this is asked before it opens.
 * Reads each log whole: LevelDB begins a new one at 4 MiB.
 */
export async function damagedLog(directory: string): Promise<{ name: string; offset: number } | null> {
  const names = await readdir(directory).catch(() => [])
  for (const name of names.filter((name) => LOG_NAME.test(name)).sort()) {
    const offset = damageIn(await readFile(join(directory, name)))
    if (offset !== null) return { name, offset }
  }
  return null
}

/**
 * Where the first bad record of a log begins that has a good one behind it. With none behind it, null: that is the end of
 * a write that power or a kill cut short, of which nobody was told that it is on disk.
 */
export function damageIn(log: Uint8Array): number | null {
  let offset = 0
  while (offset < log.length) {
    const next = isRest(log, offset) ? blockEnd(log, offset) : recordEnd(log, offset)
    if (next === null) return findRecord(log, offset + 1) ? offset : null
    offset = next
  }
  return null
}

/** Too little of the block is left for a record, or nothing was written here: LevelDB goes on with the next block. */
function isRest(log: Uint8Array, offset: number): boolean {
  const end = offset + HEADER_BYTES
  return end > blockEnd(log, offset) || log.subarray(offset, end).every((byte) => byte === 0)
}

/** Is there a good record anywhere from here on? A length is not believed where its checksum is wrong. */
function findRecord(log: Uint8Array, from: number): boolean {
  for (let offset = from; offset < log.length; offset++) if (recordEnd(log, offset) !== null) return true
  return false
}

/** Where the record that begins here ends; null where there is none as it was written. */
function recordEnd(log: Uint8Array, offset: number): number | null {
  const begin = offset + HEADER_BYTES
  const limit = blockEnd(log, offset)
  const type = log[begin - 1] ?? 0
  if (begin > limit || type === 0 || type > TYPE_MAX) return null
  const view = new DataView(log.buffer, log.byteOffset, log.length)
  const end = begin + view.getUint16(offset + 4, true)
  return end <= limit && view.getUint32(offset, true) === masked(crc32c(log, begin - 1, end)) ? end : null
}

function blockEnd(log: Uint8Array, offset: number): number {
  return Math.min(log.length, offset - (offset % BLOCK_BYTES) + BLOCK_BYTES)
}

/** LevelDB stores checksums turned and shifted: a log inside a log would otherwise prove itself. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0

/** RFC 3720, appendix B.4; `node:zlib` has the other polynomial only. */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = 0xffffffff
  for (let at = from; at < to; at++) crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0)
  return ~crc >>> 0
}
