import { createHash } from 'node:crypto'
import { toHex } from '@brume/codec'
import { DOMAIN, hash } from '@brume/crypto'

/**
 * The id of logic that was given as an object: a hash of its definition and of the sources of its functions. What
 * functions close over is not in it, so two machines made by one factory may share an id; a bundle's id has no such gap.
 */
export function identityOf(logic: unknown): Uint8Array {
  const digest = createHash('sha256')
  describe(logic, (text) => digest.update(text), new Map())
  return hash(DOMAIN.logic, new Uint8Array(digest.digest()))
}

type Put = (text: string) => void

/** Each kind of value in its own brackets, so that no two values read the same. */
function describe(value: unknown, put: Put, seen: Map<object, number>): void {
  if (typeof value === 'function' || (typeof value === 'object' && value !== null)) {
    const known = seen.get(value)
    if (known !== undefined) return put(`^${known};`)
    seen.set(value, seen.size)
    return describeObject(value, put, seen)
  }
  const text = typeof value === 'symbol' ? (value.description ?? '') : String(value)
  put(`${typeof value}:${text.length}:${text};`)
}

function describeObject(value: object, put: Put, seen: Map<object, number>): void {
  if (isMachine(value)) {
    put('machine')
    return entries({ config: value.config, implementations: value.implementations }, put, seen)
  }
  if (ArrayBuffer.isView(value))
    return put(`bytes:${toHex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))};`)
  if (typeof value === 'function') describe(value.toString(), put, seen)
  if (value instanceof Map || value instanceof Set) describe([...value], put, seen)
  entries(value, put, seen)
}

function entries(value: object, put: Put, seen: Map<object, number>): void {
  const isArray = Array.isArray(value)
  put(isArray ? '[' : '{')
  const keys = Object.keys(value)
  for (const key of isArray ? keys : keys.sort()) {
    put(`${key.length}:${key}=`)
    describe(Reflect.get(value, key), put, seen)
  }
  put(isArray ? ']' : '}')
}

/** Its other members are made of these, and lead back to it. */
function isMachine(value: object): value is { readonly config: unknown; readonly implementations: unknown } {
  return 'config' in value && 'implementations' in value && 'transition' in value
}
