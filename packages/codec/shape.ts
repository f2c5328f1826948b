import { CodecError } from './error.ts'
import type { CborValue } from './value.ts'

/** An exact size, or bounds that include both ends. */
export type Size = number | { readonly min: number; readonly max: number }

const UINT_MAX = 2 ** 53 - 1

function refuse(what: string, expected: string): never {
  throw new CodecError('BRUME_CODEC_SHAPE', `${what}: expected ${expected}`)
}

function fits(length: number, size: Size): boolean {
  return typeof size === 'number' ? length === size : length >= size.min && length <= size.max
}

const sizeText = (size: Size): string => (typeof size === 'number' ? `${size}` : `${size.min} to ${size.max}`)

/** An array with that many elements; else `CodecError` naming `what`, as for all readers here. */
export function asArray(value: CborValue | undefined, what: string, size: Size): readonly CborValue[] {
  return Array.isArray(value) && fits(value.length, size) ? value : refuse(what, `an array of ${sizeText(size)}`)
}

/** An integer within `min..max`, by default 0 to 2^53-1. */
export function asUint(value: CborValue | undefined, what: string, max = UINT_MAX, min = 0): number {
  const ok = typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
  return ok ? value : refuse(what, `an integer from ${min} to ${max}`)
}

/** A byte string of that length. */
export function asBytes(value: CborValue | undefined, what: string, size: Size): Uint8Array {
  return value instanceof Uint8Array && fits(value.length, size) ? value : refuse(what, `${sizeText(size)} bytes`)
}

/** Text of at most so many bytes in UTF-8. */
export function asText(value: CborValue | undefined, what: string, utf8BytesMax: number): string {
  // A UTF-16 unit is at least one byte of UTF-8: long text is refused unread.
  const ok = typeof value === 'string' && value.length <= utf8BytesMax && Buffer.byteLength(value) <= utf8BytesMax
  return ok ? value : refuse(what, `text of at most ${utf8BytesMax} bytes`)
}

export function asBoolean(value: CborValue | undefined, what: string): boolean {
  return typeof value === 'boolean' ? value : refuse(what, 'true or false')
}

/** Null where the wire says null, else what `read` makes of it. */
export function optional<T>(value: CborValue | undefined, read: (value: CborValue | undefined) => T): T | null {
  return value === null ? null : read(value)
}
