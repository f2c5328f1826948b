import { DEPTH_MAX, isBytes, NODES_MAX } from '../logic/plain.ts'
import type { Json } from '../logic/port.ts'

/** Why a value cannot be replicated. The message is for people; what is attested of it is the code. */
export class CloneError extends Error {
  override readonly name = 'CloneError'
  readonly fault: 'plain' | 'integer' | 'size'
  /** Keys joined by dots. */
  readonly path: string

  constructor(fault: CloneError['fault'], path: string, found: string) {
    super(`${path === '' ? 'the value' : path} is ${found}`)
    this.fault = fault
    this.path = path
  }
}

/**
 * A copy made of objects of the realm that this runs in, whatever realm the value is of: a restored state is then
 * made of the same as one that was never stored. Negative zero becomes 0, keys with undefined are left out.
 *
 * @throws CloneError for what is not plain, for numbers that are no safe integers, and beyond the limits
 */
export function clone(value: unknown): Json {
  let nodes = 0
  const fail = (fault: CloneError['fault'], path: readonly string[], found: string): never => {
    throw new CloneError(fault, path.join('.'), found)
  }
  const copy = (one: unknown, path: readonly string[]): Json => {
    nodes += 1
    if (nodes > NODES_MAX) return fail('size', path, `beyond ${NODES_MAX} values`)
    if (one === null || typeof one === 'boolean') return one
    if (typeof one === 'number') return Number.isSafeInteger(one) ? one + 0 : fail('integer', path, `the number ${one}`)
    if (typeof one === 'string') return one.isWellFormed() ? one : fail('plain', path, 'text with a lone surrogate')
    if (typeof one !== 'object') return fail('plain', path, `a ${typeof one}`)
    if (path.length >= DEPTH_MAX) return fail('size', path, `deeper than ${DEPTH_MAX}`)
    if (isBytes(one)) return Uint8Array.from(one)
    return Array.isArray(one) ? copyList(one, path) : copyObject(one, path)
  }
  const copyList = (list: readonly unknown[], path: readonly string[]): Json => {
    const copied: Json[] = []
    for (let i = 0; i < list.length; i++) {
      if (!Object.hasOwn(list, i)) return fail('plain', [...path, String(i)], 'a hole in an array')
      copied.push(copy(list[i], [...path, String(i)]))
    }
    return copied
  }
  const copyObject = (object: object, path: readonly string[]): Json => {
    if (!isPlainObject(object)) return fail('plain', path, 'an instance of a class')
    const copied: { [key: string]: Json } = {}
    for (const [key, item] of Object.entries(object)) {
      if (key === '__proto__' || !key.isWellFormed()) return fail('plain', path, 'an object with a forbidden key')
      if (item !== undefined) copied[key] = copy(item, [...path, key])
    }
    return copied
  }
  return copy(value, [])
}

/** By shape, for the prototype may be another realm's. */
function isPlainObject(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object)
  const isRoot = prototype === null || Object.getPrototypeOf(prototype) === null
  return isRoot && Object.getOwnPropertySymbols(object).length === 0
}
