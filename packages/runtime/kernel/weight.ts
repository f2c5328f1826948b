import type { Json } from '../logic/port.ts'

/** Of a number, or what begins an array, an object, a text: the most that CBOR takes for it. */
const ITEM_BYTES = 9

/** Lighter ones are weighed again: an entry of a WeakMap costs as much as some 20 items do, and again at each collection. */
const KEPT_BYTES_MIN = 1_024

/** Frozen trees keep their weight; a state shares most of itself with the one before. */
const known = new WeakMap<object, number>()

/** About how many bytes the value takes when it is stored; not fewer, but for text beyond ASCII. */
export function weightOf(value: Json): number {
  if (typeof value === 'string') return ITEM_BYTES + value.length
  if (typeof value !== 'object' || value === null) return ITEM_BYTES
  if (value instanceof Uint8Array) return ITEM_BYTES + value.length
  const before = known.get(value)
  if (before !== undefined) return before
  let bytes = ITEM_BYTES
  if (Array.isArray(value)) for (const item of value) bytes += weightOf(item)
  else for (const [key, item] of Object.entries(value)) bytes += ITEM_BYTES + key.length + weightOf(item)
  if (bytes >= KEPT_BYTES_MIN && Object.isFrozen(value)) known.set(value, bytes)
  return bytes
}
