import { RuntimeError } from '../error.ts'
import type { Json } from './port.ts'

/** The decoder's stack is far deeper; what people write by hand is not. A cycle ends here. */
export const DEPTH_MAX = 32
/** About 1 ms of walking, and 256 KiB of the smallest objects: the bound of a stored state. */
export const NODES_MAX = 10_000

/** Own keys that change what an object is once it is copied, or once XState restores it. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'xstate$$type'])

/** Its `new` gives back what it was given: a class below it can put a private field on any object. */
class Given {
  constructor(value: object) {
    // biome-ignore lint/correctness/noConstructorReturn: this is all that it is for
    return value
  }
}

/**
 * Marks trees that were made here: frozen to their leaves, so they need no second look. The number says how large they
 * are: nodes * 128 + depth * 2 + (1: bytes or refs inside, which freezing does not protect). A private field, which
 * nobody else sees: an entry of a WeakMap costs twice the copy that it speaks of, and as much again of each collection.
 */
class Known extends Given {
  readonly #size: number

  constructor(made: object, size: number) {
    super(made)
    this.#size = size
  }

  static sizeOf(value: object): number | undefined {
    return #size in value ? value.#size : undefined
  }
}

const DEPTH_UNIT = 2
const NODE_UNIT = 128

export interface PlainOptions {
  /** Objects that may stay although they are not plain, and are left as they are: refs of own children. */
  readonly keep?: (value: object) => boolean
  /** What to put into the place of one that is kept. Default itself. */
  readonly replace?: (kept: object) => Json
}

/**
 * The same value made of null, booleans, finite numbers, well-formed strings, dense arrays, plain objects and bytes,
 * frozen; bytes, which cannot be frozen, are copied. -0 becomes 0, keys with `undefined` are left out. Parts that
 * came from here are taken as they are: the cost is that of what is new.
 *
 * @throws RuntimeError `BRUME_RUNTIME_NOT_PLAIN` with the path of what is not, or is beyond 32 levels or 10,000 nodes
 */
export function plain(value: unknown, options: PlainOptions = {}): Json {
  const walk = new Walk(options)
  return walk.value(value, 0)
}

/** Whether it came from `plain` and holds neither bytes nor refs: nobody can change it any more. */
export function isSettled(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  const size = Known.sizeOf(value)
  return size !== undefined && size % DEPTH_UNIT === 0
}

/** By shape: prototypes of other realms are others. */
export function isBytes(value: object): value is Uint8Array {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]'
}

class Walk {
  readonly #keep: PlainOptions['keep']
  readonly #replace: PlainOptions['replace']
  readonly #path: (string | number)[] = []
  #nodes = 0
  /** Of the subtree that was walked last. */
  #below = 0
  #open = 0

  constructor({ keep, replace }: PlainOptions) {
    this.#keep = keep
    this.#replace = replace
  }

  value(value: unknown, depth: number): Json {
    if (++this.#nodes > NODES_MAX) return this.#fail(depth, `beyond ${NODES_MAX} nodes`)
    this.#below = 0
    this.#open = 0
    switch (typeof value) {
      case 'boolean':
        return value
      case 'string':
        return value.isWellFormed() ? value : this.#fail(depth, 'text with a lone surrogate')
      case 'number':
        if (!Number.isFinite(value)) return this.#fail(depth, `the number ${value}`)
        return value === 0 ? 0 : value
      case 'object':
        return value === null ? null : this.#object(value, depth)
      default:
        return this.#fail(depth, value === undefined ? 'undefined' : `a ${typeof value}`)
    }
  }

  #object(value: object, depth: number): Json {
    const size = Known.sizeOf(value)
    if (size !== undefined) return this.#reuse(value, size, depth)
    if (this.#keep?.(value)) return this.#kept(value)
    if (isBytes(value)) {
      this.#open = 1
      return Uint8Array.from(value)
    }
    if (depth >= DEPTH_MAX) return this.#fail(depth, `beyond ${DEPTH_MAX} levels`)
    const nodes = this.#nodes
    const copy = Array.isArray(value) ? this.#array(value, depth) : this.#record(value, depth)
    new Known(copy, (this.#nodes - nodes + 1) * NODE_UNIT + this.#below * DEPTH_UNIT + this.#open)
    return Object.freeze(copy) as Json
  }

  #kept(value: object): Json {
    this.#open = 1
    return this.#replace ? this.#replace(value) : (value as unknown as Json)
  }

  #reuse(value: object, size: number, depth: number): Json {
    const open = size % DEPTH_UNIT
    // With refs to be replaced it has to be walked; without, it is as it will be.
    if (open === 1 && this.#replace !== undefined) return this.#again(value, depth)
    const below = (size % NODE_UNIT) / DEPTH_UNIT
    this.#nodes += Math.floor(size / NODE_UNIT) - 1
    if (this.#nodes > NODES_MAX) return this.#fail(depth, `beyond ${NODES_MAX} nodes`)
    if (depth + below > DEPTH_MAX) return this.#fail(depth, `beyond ${DEPTH_MAX} levels`)
    this.#below = Math.floor(below)
    this.#open = open
    return value as Json
  }

  #again(value: object, depth: number): Json {
    const copy = Array.isArray(value) ? this.#array(value, depth) : this.#record(value, depth)
    return Object.freeze(copy) as Json
  }

  #array(array: readonly unknown[], depth: number): Json[] {
    if (!isArrayPrototype(Object.getPrototypeOf(array))) return this.#fail(depth, 'an instance of a class')
    const copy: Json[] = []
    let [below, open] = [0, 0]
    for (let i = 0; i < array.length; i++) {
      this.#path[depth] = i
      copy.push(this.value(array[i], depth + 1))
      below = Math.max(below, this.#below)
      open |= this.#open
    }
    this.#below = below + 1
    this.#open = open
    return copy
  }

  #record(record: object, depth: number): { [key: string]: Json } {
    if (!isObjectPrototype(Object.getPrototypeOf(record))) return this.#fail(depth, nameOf(record))
    if (Object.getOwnPropertySymbols(record).length > 0) return this.#fail(depth, 'an object with symbols as keys')
    const copy: { [key: string]: Json } = {}
    let [below, open] = [0, 0]
    for (const key of Object.keys(record)) {
      this.#path[depth] = key
      if (FORBIDDEN_KEYS.has(key) || !key.isWellFormed()) return this.#fail(depth + 1, 'a key that is not allowed')
      const value: unknown = (record as Record<string, unknown>)[key]
      if (value === undefined) continue
      copy[key] = this.value(value, depth + 1)
      below = Math.max(below, this.#below)
      open |= this.#open
    }
    this.#below = below + 1
    this.#open = open
    return copy
  }

  #fail(depth: number, found: string): never {
    const where = depth === 0 ? 'the value' : this.#path.slice(0, depth).join('.').slice(0, 200)
    const allowed = 'null, booleans, finite numbers, text, bytes, dense arrays and plain objects'
    throw new RuntimeError('BRUME_RUNTIME_NOT_PLAIN', `${where} is ${found}; actors keep and send ${allowed}`)
  }
}

/** `Array.prototype` of any realm is itself an array; that of a class is not. */
function isArrayPrototype(prototype: unknown): boolean {
  return prototype === Array.prototype || Array.isArray(prototype)
}

function isObjectPrototype(prototype: object | null): boolean {
  if (prototype === null || prototype === Object.prototype) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

function nameOf(instance: object): string {
  const name: unknown = instance.constructor?.name
  return `an instance of ${typeof name === 'string' && name !== '' ? name.slice(0, 64) : 'a class'}`
}
