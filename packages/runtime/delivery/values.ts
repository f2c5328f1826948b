import { type CborValue, decode, encode } from '@brume/codec'
import { plain } from '../logic/plain.ts'
import type { Json } from '../logic/port.ts'
import { ITEM_BYTES_MAX } from './limits.ts'

/** As plain data: 32 levels, 10,000 nodes. */
const LIMITS = { bytesMax: ITEM_BYTES_MAX, depthMax: 32, itemsMax: 20_000, floats: true, prototypes: true }

/** Canonical CBOR with fractions; undefined for what is no plain value. */
export function encodeValue(value: Json): Uint8Array | undefined {
  try {
    return encode(value as CborValue, { floats: true })
  } catch {
    return undefined
  }
}

/** What another peer sent, as plain objects; undefined where it is none. */
export function decodeValue(bytes: Uint8Array): Json | undefined {
  try {
    return plain(decode(bytes, LIMITS))
  } catch {
    return undefined
  }
}
