import { asArray, asBytes, concat, decode, encode, optional } from '@brume/codec'
import { DOMAIN, hash } from '@brume/crypto'
import type { StoreOperation } from '@brume/ports'

const HASH_BYTES = 32
/** Before the first entry. */
export const NO_HASH: Uint8Array = new Uint8Array(HASH_BYTES)
/** A Ship of one piece fits into a frame of 262,144 bytes, with room for its head. */
export const PIECE_BYTES_MAX = 245_760
/** The whole of one actor passes through memory, here and there, when a copy is made anew. */
export const BASE_BYTES_MAX = 64 * 1_048_576
/** Keys are some 40 bytes; a batch has as many as fit into its bytes. */
const BATCH_LIMITS = { bytesMax: BASE_BYTES_MAX, itemsMax: 4_194_304, depthMax: 3 }
const KEY_BYTES_MAX = 4_096

const FIRST = 1
const LAST = 2

/** SHA-256(`brume/actor-log/1` ‖ 0x00 ‖ prev 32 ‖ entry): names an entry and all before it. */
export function chain(prev: Uint8Array, entry: Uint8Array): Uint8Array {
  return hash(DOMAIN.actorLog, prev, entry)
}

/** CBOR `[[key, value], ...]`, null for a deletion. */
export function encodeBatch(operations: readonly StoreOperation[]): Uint8Array {
  return encode(operations.map((operation) => [operation.key, operation.type === 'put' ? operation.value : null]))
}

/** @throws CodecError */
export function decodeBatch(bytes: Uint8Array): readonly StoreOperation[] {
  return asArray(decode(bytes, BATCH_LIMITS), 'batch', { min: 0, max: BATCH_LIMITS.itemsMax }).map((pair) => {
    const at = asArray(pair, 'change', 2)
    const key = asBytes(at[0], 'key', { min: 1, max: KEY_BYTES_MAX })
    const value = optional(at[1], (found) => asBytes(found, 'value', { min: 0, max: BASE_BYTES_MAX }))
    return value === null ? { type: 'del', key } : { type: 'put', key, value }
  })
}

/** Each a byte that says whether it is the first (1) or last (2) of its batch, and a part of the batch. */
export function cut(batch: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = []
  const count = Math.max(1, Math.ceil(batch.length / (PIECE_BYTES_MAX - 1)))
  for (let i = 0; i < count; i++) {
    const part = batch.subarray(i * (PIECE_BYTES_MAX - 1), (i + 1) * (PIECE_BYTES_MAX - 1))
    pieces.push(concat(Uint8Array.of((i === 0 ? FIRST : 0) | (i === count - 1 ? LAST : 0)), part))
  }
  return pieces
}

export const isFirst = (piece: Uint8Array): boolean => ((piece[0] ?? 0) & FIRST) !== 0
export const isLast = (piece: Uint8Array): boolean => ((piece[0] ?? 0) & LAST) !== 0

/** The batch that was cut into these. */
export const join = (pieces: readonly Uint8Array[]): Uint8Array => concat(...pieces.map((piece) => piece.subarray(1)))

export function isSameHash(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
