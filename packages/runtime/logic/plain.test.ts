import { createContext, runInContext } from 'node:vm'
import { decode, encode } from '@brume/codec'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEPTH_MAX, isSettled, NODES_MAX, plain } from './plain.ts'
import type { Json } from './port.ts'

const refused = expect.objectContaining({ code: 'BRUME_RUNTIME_NOT_PLAIN' })

class Point {
  x = 1
}

const cycle: { self?: unknown } = {}
cycle.self = cycle
// biome-ignore lint/suspicious/noSparseArray: the hole is what is tried
const sparse = [1, , 3]

test.each<[string, unknown]>([
  ['undefined', undefined],
  ['a function', () => 1],
  ['a symbol', Symbol.iterator],
  ['a bigint', 1n],
  ['not a number', { a: Number.NaN }],
  ['infinity', [Number.POSITIVE_INFINITY]],
  ['a lone surrogate', { a: '\ud800' }],
  ['a lone surrogate as key', { '\udc00': 1 }],
  ['a hole', sparse],
  ['undefined in an array', [undefined]],
  ['a Map', { a: new Map([[1, 2]]) }],
  ['a Set', new Set()],
  ['a Date', new Date(0)],
  ['an Error', new Error('x')],
  ['a class instance', new Point()],
  ['a class that is an array', new (class List extends Array {})()],
  ['a number of 64 bits', BigUint64Array.of(1n)],
  ['a buffer of another kind', new Float64Array(2)],
  ['a DataView', new DataView(new ArrayBuffer(2))],
  ['a promise', Promise.resolve()],
  ['a symbol as key', { [Symbol.iterator]: 1 }],
  ['__proto__ as key', JSON.parse('{"a":{"__proto__":{"admin":true}}}')],
  ['what XState takes for a ref', { xstate$$type: 1, id: 'a' }],
  ['a cycle', cycle],
  ['an object with a prototype of its own', Object.create({ inherited: 1 })]
])('%s is not plain', (_, value) => {
  expect(() => plain(value)).toThrow(refused)
})

test('the error names the place', () => {
  expect(() => plain({ cart: { items: [1, { when: new Date(0) }] } })).toThrow(
    /^cart\.items\.1\.when is an instance of Date/
  )
})

test('-0 becomes 0, undefined goes, bytes are copied, and all of it is frozen', () => {
  const bytes = Uint8Array.of(1, 2)
  const value = { zero: -0, gone: undefined, list: [{ deep: -0 }], bytes: Buffer.from(bytes) }
  const made = plain(value) as { readonly list: readonly object[]; readonly bytes: Uint8Array }
  expect(made).toEqual({ zero: 0, list: [{ deep: 0 }], bytes })
  expect(Object.is(Reflect.get(made, 'zero'), 0)).toBe(true)
  expect(Object.keys(made)).not.toContain('gone')
  expect(made.bytes.constructor).toBe(Uint8Array)
  expect([made, made.list, made.list[0]].every(Object.isFrozen)).toBe(true)
  // The sender's own objects stay as they were.
  expect(Object.isFrozen(value)).toBe(false)
  expect(Object.keys(value)).toContain('gone')
})

test('values of another realm are plain too, and its class instances are not', () => {
  const realm = createContext({})
  expect(plain(runInContext('({ a: [1, { b: new Uint8Array(2) }] })', realm))).toEqual({
    a: [1, { b: new Uint8Array(2) }]
  })
  expect(() => plain(runInContext('[new Map()]', realm))).toThrow(refused)
  expect(() => plain(runInContext('new (class extends Array {})()', realm))).toThrow(refused)
})

test('the limits hold for what is new and for what was seen, exactly', () => {
  const nested = (levels: number): Json => (levels === 0 ? 1 : [nested(levels - 1)])
  expect(() => plain(nested(DEPTH_MAX))).not.toThrow()
  expect(() => plain(nested(DEPTH_MAX + 1))).toThrow(refused)
  const deep = plain(nested(DEPTH_MAX))
  expect(plain(deep)).toBe(deep)
  expect(() => plain([deep])).toThrow(refused)

  const wide = Array.from({ length: NODES_MAX - 1 }, () => 0)
  const seen = plain(wide)
  expect(() => plain([...wide, 0])).toThrow(refused)
  expect(() => plain([seen])).toThrow(refused)
  expect(plain(plain(wide.slice(2)))).toHaveLength(NODES_MAX - 3)
  expect(() => plain([plain(wide.slice(1)), 0])).toThrow(refused)
})

test('what came from here is taken as it is', () => {
  const old = plain({ list: [1, 2, 3] }) as { readonly list: Json }
  const next = plain({ ...old, more: 1 }) as { readonly list: Json }
  expect(next.list).toBe(old.list)
  expect(isSettled(next)).toBe(true)
  expect(isSettled(plain({ bytes: new Uint8Array(1) }))).toBe(false)
  expect(isSettled({})).toBe(false)
})

test('kept objects stay, and are replaced where asked for, also in what was seen', () => {
  const ref = new Point()
  const keep = (value: object) => value === ref
  const state = plain({ a: { child: ref, n: 1 }, b: [2] }, { keep }) as {
    readonly a: { readonly child: unknown }
    b: Json
  }
  expect(state.a.child).toBe(ref)
  const stored = plain(state, { keep, replace: () => 'the child' }) as typeof state
  expect(stored).toEqual({ a: { child: 'the child', n: 1 }, b: [2] })
  expect(stored.b).toBe(state.b)
})

test('what is plain can be encoded and comes back the same', () => {
  const text = fc.string({ unit: 'grapheme' })
  const value = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(null, true, -0),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      text,
      fc.uint8Array({ maxLength: 5 }),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(text, tie('any'), { maxKeys: 4 })
    )
  })).any
  fc.assert(
    fc.property(value, (input) => {
      const made = plain(input)
      const back = plain(decode(encode(made, { floats: true }), { bytesMax: 1_048_576, depthMax: 32, floats: true }))
      expect(back).toEqual(made)
    }),
    { numRuns: 500 }
  )
})
