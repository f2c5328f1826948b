import { crc32 } from 'node:zlib'
import { StoreError } from './errors.ts'

/**
 * What a value looks like in LevelDB: version u8 | CRC-32 u32, big-endian | payload. The CRC covers
 * the whole key, the version and the payload, so a value under a wrong key is found too.
 * Version 2 (chained namespaces) puts sequence and previous digest before the payload.
 */
const VERSION_PLAIN = 1
const HEADER_BYTES = 5

const checksum = (key: Uint8Array, version: number, payload: Uint8Array): number =>
  crc32(payload, crc32(Uint8Array.of(version), crc32(key)))

/** The stored form of `payload` under `key`; 5 bytes longer, copied. */
export function sealValue(key: Uint8Array, payload: Uint8Array): Uint8Array {
  const value = new Uint8Array(HEADER_BYTES + payload.length)
  value[0] = VERSION_PLAIN
  new DataView(value.buffer).setUint32(1, checksum(key, VERSION_PLAIN, payload))
  value.set(payload, HEADER_BYTES)
  return value
}

/** The payload, as a view and never a Buffer, whose `slice` would not copy. Throws `StoreError`: damaged, or of a later version. */
export function openValue(key: Uint8Array, value: Uint8Array): Uint8Array {
  if (value.length < HEADER_BYTES) throw damaged(key, 'it is too short')
  const version = value[0] ?? 0
  const payload = new Uint8Array(value.buffer, value.byteOffset + HEADER_BYTES, value.length - HEADER_BYTES)
  const stored = new DataView(value.buffer, value.byteOffset).getUint32(1)
  if (checksum(key, version, payload) !== stored) throw damaged(key, 'its checksum differs')
  if (version !== VERSION_PLAIN) throw unknownVersion(key, version)
  return payload
}

/** A key as people read it: text where it is printable, else hex. Cut at 80 characters. */
export function keyName(key: Uint8Array): string {
  const printable = key.length > 0 && key.every((byte) => byte >= 0x20 && byte < 0x7f)
  const text = Buffer.from(key.buffer, key.byteOffset, key.length).toString(printable ? 'latin1' : 'hex')
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

const damaged = (key: Uint8Array, what: string): StoreError =>
  new StoreError(
    'BRUME_STORE_DAMAGED',
    `The stored value of "${keyName(key)}" is damaged (${what}): fetch it again from other peers or restore a copy of the data folder`
  )

const unknownVersion = (key: Uint8Array, version: number): StoreError =>
  new StoreError(
    'BRUME_STORE_VERSION',
    `The stored value of "${keyName(key)}" has format ${version}, which this brume does not know: start the version that wrote it`
  )
