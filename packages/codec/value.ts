import { CodecError } from './error.ts'

/**
 * What brume puts on the wire: integers within +-(2^53-1), no undefined, no tags, map keys integers or
 * text; floats only where both sides say so.
 */
export type CborValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly CborValue[]
  | { readonly [key: string]: CborValue }
  | ReadonlyMap<number | string, CborValue>

/** Nesting that `encode` accepts, and `decode` at most allows: far above any message, far below the stack's end. */
export const DEPTH_LIMIT = 64

/**
 * Refused as a key although null-prototype objects make it inert: a receiver that copies with
 * `Object.assign({}, decoded)` would set a prototype.
 */
export const FORBIDDEN_KEY = '__proto__'

const refuse = (found: string): never => {
  throw new CodecError('BRUME_CODEC_UNSUPPORTED', `cannot encode ${found}; see CborValue for what can be encoded`)
}

/**
 * Throws `CodecError` unless cborg will encode exactly this value: alone it would encode undefined, floats and class instances.
 *
 * @param floats - finite numbers that are no integers are taken too
 */
export function assertEncodable(value: unknown, floats = false, depth = 0): asserts value is CborValue {
  if (value === null || typeof value === 'boolean' || value instanceof Uint8Array) return
  if (typeof value === 'number') return floats ? assertFinite(value) : assertInteger(value)
  if (typeof value === 'string') return assertText(value)
  if (typeof value !== 'object') return refuse(typeof value)
  if (depth >= DEPTH_LIMIT) {
    throw new CodecError('BRUME_CODEC_TOO_DEEP', `cannot encode more than ${DEPTH_LIMIT} levels; is there a cycle?`)
  }
  if (Array.isArray(value)) {
    for (const item of value) assertEncodable(item, floats, depth + 1)
  } else if (value instanceof Map) {
    for (const [key, item] of value) assertEntry(key, item, floats, depth)
  } else {
    assertPlain(value)
    for (const [key, item] of Object.entries(value)) assertEntry(key, item, floats, depth)
  }
}

function assertEntry(key: unknown, item: unknown, floats: boolean, depth: number): void {
  if (key === FORBIDDEN_KEY) refuse(`the key ${FORBIDDEN_KEY}`)
  if (typeof key === 'number') assertInteger(key)
  else if (typeof key === 'string') assertText(key)
  else refuse(`a map key of type ${typeof key}`)
  assertEncodable(item, floats, depth + 1)
}

function assertInteger(value: number): void {
  if (!Number.isSafeInteger(value)) refuse(`the number ${value}: only integers within +-(2^53-1)`)
}

function assertFinite(value: number): void {
  if (!Number.isFinite(value)) refuse(`the number ${value}: only finite ones`)
}

/** A lone surrogate has no UTF-8; encoders write U+FFFD in its place, and two keys become one. */
function assertText(value: string): void {
  if (!value.isWellFormed()) refuse('text with a lone surrogate')
}

function assertPlain(value: object): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) refuse(`a ${value.constructor?.name ?? 'class'} instance`)
}
