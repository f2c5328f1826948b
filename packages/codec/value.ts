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

export const refuse = (found: string): never => {
  throw new CodecError('BRUME_CODEC_UNSUPPORTED', `cannot encode ${found}; see CborValue for what can be encoded`)
}

export function assertDepth(depth: number): void {
  if (depth < DEPTH_LIMIT) return
  throw new CodecError('BRUME_CODEC_TOO_DEEP', `cannot encode more than ${DEPTH_LIMIT} levels; is there a cycle?`)
}

/** A lone surrogate has no UTF-8; encoders write U+FFFD in its place, and two keys become one. */
export function assertText(value: string): void {
  if (!value.isWellFormed()) refuse('text with a lone surrogate')
}

export function assertPlain(value: object): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) refuse(`a ${value.constructor?.name ?? 'class'} instance`)
}
