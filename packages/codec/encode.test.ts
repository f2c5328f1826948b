import { encode as cborgEncode } from 'cborg'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cborValue } from './arbitrary.ts'
import { type CborValue, CodecError, encode, equal, toHex } from './index.ts'

class Point {
  readonly x = 1
}

const cyclic: unknown[] = []
cyclic.push(cyclic)

test.each([
  ['undefined', undefined],
  ['undefined in an object', { a: undefined }],
  ['a hole', new Array(2)],
  ['a float', 1.5],
  ['NaN', Number.NaN],
  ['2^53', 2 ** 53],
  ['a bigint', 1n],
  ['a class instance', new Point()],
  ['a Date', new Date(0)],
  ['a Set', new Set([1])],
  ['another typed array', new Uint16Array(2)],
  ['a function', () => 1],
  ['a lone surrogate', '\ud800'],
  ['a lone surrogate in a key', { '\ud800': 1 }],
  ['the key __proto__', JSON.parse('{"__proto__":1}')],
  ['a bytes key', new Map([[new Uint8Array(1), 1]])],
  ['a float key', new Map([[0.5, 1]])],
  ['a cycle', cyclic]
])('refuses %s', (_what, value) => {
  expect(() => encode(value as CborValue)).toThrow(CodecError)
})

test('negative zero is zero, and a failed call leaves nothing behind for the next', () => {
  expect(toHex(encode([-0]))).toBe('8100')
  expect(() => encode(['x', undefined as unknown as null])).toThrow(CodecError)
  expect(toHex(encode({ b: -0, a: 'x' }))).toBe('a261616178616200')
})

test('a result does not change with later calls', () => {
  const first = encode(new Uint8Array(200).fill(1))
  const copy = first.slice()
  for (let i = 0; i < 100; i++) encode([new Uint8Array(i * 7).fill(i), 'text', { i }])
  expect(first).toEqual(copy)
})

/** Around each length of a head. */
const EDGES = [24, 256, 65_536, 2 ** 32].flatMap((edge) => [edge - 1, edge, -edge, -edge - 1])

test('every value has the bytes that another encoder gives it', () => {
  const float = fc.double({ noNaN: true, noDefaultInfinity: true })
  const name = fc.string({ unit: 'binary', maxLength: 60 }).filter((key) => key !== '__proto__')
  const value: fc.Arbitrary<CborValue> = fc.oneof(
    cborValue,
    fc.array(float),
    fc.dictionary(name, float),
    fc.constantFrom(...EDGES, 2 ** 53 - 1, 1 - 2 ** 53, 'x'.repeat(70_000), 'é'.repeat(300), new Uint8Array(70_000))
  )
  fc.assert(
    fc.property(value, (item) => {
      expect(equal(encode(item, { floats: true }), cborgEncode(item, { float64: true }))).toBe(true)
    }),
    { numRuns: 2_000 }
  )
})
