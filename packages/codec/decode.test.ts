import fc from 'fast-check'
import { expect, test } from 'vitest'
import { asDecoded, cborValue } from './arbitrary.ts'
import { CodecError, compare, concat, decode, encode, equal, fromHex, toHex } from './index.ts'

const WIDE = { bytesMax: 1 << 20, depthMax: 64, itemsMax: 1 << 20 }

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof CodecError) return error.code
    throw error
  }
  return 'accepted'
}

test('decode gives back what was encoded', () => {
  fc.assert(
    fc.property(cborValue, (value) => {
      const bytes = encode(value)
      const back = decode(bytes, WIDE)
      expect(back).toEqual(asDecoded(value))
      expect(equal(encode(back), bytes)).toBe(true)
    }),
    { numRuns: 2_000 }
  )
})

test('floats are taken where asked for, in one form', () => {
  const floats = { ...WIDE, floats: true }
  const number = fc.double({ noNaN: true, noDefaultInfinity: true })
  fc.assert(
    fc.property(fc.array(number), (values) => {
      const bytes = encode(values, { floats: true })
      expect(decode(bytes, floats)).toEqual(values.map((value) => (value === 0 ? 0 : value)))
      if (values.some((value) => !Number.isSafeInteger(value)))
        expect(codeOf(() => decode(bytes, WIDE))).not.toBe('accepted')
    }),
    { numRuns: 2_000 }
  )
  expect(toHex(encode([1.5, 2 ** 53], { floats: true }))).toBe('82fb3ff8000000000000fb4340000000000000')
  for (const infinite of [Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(codeOf(() => encode(infinite, { floats: true }))).toBe('BRUME_CODEC_UNSUPPORTED')
  }
})

test.each([
  ['f93e00', 'BRUME_CODEC_NOT_CANONICAL', '1.5 in 2 bytes'],
  ['fa3fc00000', 'BRUME_CODEC_NOT_CANONICAL', '1.5 in 4 bytes'],
  ['fb3ff0000000000000', 'BRUME_CODEC_NOT_CANONICAL', 'an integer as float'],
  ['fb8000000000000000', 'BRUME_CODEC_NOT_CANONICAL', 'negative zero'],
  ['fb7ff0000000000000', 'BRUME_CODEC_MALFORMED', 'infinity'],
  ['fb7ff8000000000000', 'BRUME_CODEC_MALFORMED', 'not a number'],
  ['a1fb3ff800000000000000', 'BRUME_CODEC_UNSUPPORTED', 'a float as key']
])('with floats %s is %s: %s', (hex, code) => {
  expect(codeOf(() => decode(fromHex(hex), { ...WIDE, floats: true }))).toBe(code)
})

// RFC 8949, Appendix A, those of the types in use.
test.each([
  ['00', 0],
  ['1818', 24],
  ['1903e8', 1000],
  ['1a000f4240', 1_000_000],
  ['1b000000e8d4a51000', 1_000_000_000_000],
  ['1b001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['20', -1],
  ['3903e7', -1000],
  ['3b001ffffffffffffe', Number.MIN_SAFE_INTEGER],
  ['f4', false],
  ['f6', null],
  ['4401020304', fromHex('01020304')],
  ['62c3bc', '\u00fc'],
  ['64f0908591', '\u{10151}'],
  ['63efbbbf', '\ufeff'],
  ['8301820203820405', [1, [2, 3], [4, 5]]],
  [
    'a201020304',
    new Map([
      [1, 2],
      [3, 4]
    ])
  ],
  ['a26161016162820203', { a: 1, b: [2, 3] }],
  ['826161a161626163', ['a', { b: 'c' }]]
] as const)('%s', (hex, value) => {
  expect(toHex(encode(value))).toBe(hex)
  expect(decode(fromHex(hex), WIDE)).toEqual(asDecoded(value))
})

test.each([
  ['', 'BRUME_CODEC_SHORT', 'nothing'],
  ['18', 'BRUME_CODEC_MALFORMED', 'a head cut off'],
  ['4401', 'BRUME_CODEC_MALFORMED', 'a byte string cut off'],
  ['8201', 'BRUME_CODEC_SHORT', 'an array cut off'],
  ['0000', 'BRUME_CODEC_TRAILING', 'a second item'],
  ['1817', 'BRUME_CODEC_NOT_CANONICAL', 'an integer longer than needed'],
  ['1900ff', 'BRUME_CODEC_NOT_CANONICAL', 'an integer longer than needed'],
  ['3817', 'BRUME_CODEC_NOT_CANONICAL', 'a negative integer longer than needed'],
  ['5801ff', 'BRUME_CODEC_NOT_CANONICAL', 'a length longer than needed'],
  ['780161', 'BRUME_CODEC_NOT_CANONICAL', 'a text length longer than needed'],
  ['980100', 'BRUME_CODEC_NOT_CANONICAL', 'a count longer than needed'],
  ['b8010000', 'BRUME_CODEC_NOT_CANONICAL', 'a map count longer than needed'],
  ['a2616201616102', 'BRUME_CODEC_NOT_CANONICAL', 'keys out of order'],
  ['a2616101616102', 'BRUME_CODEC_NOT_CANONICAL', 'a repeated key'],
  ['a2200018' + '6400', 'BRUME_CODEC_NOT_CANONICAL', 'RFC 7049 order, shorter keys first: -1 before 100'],
  ['1b0020000000000000', 'BRUME_CODEC_MALFORMED', '2^53'],
  ['3b001fffffffffffff', 'BRUME_CODEC_MALFORMED', '-2^53'],
  ['9f00ff', 'BRUME_CODEC_MALFORMED', 'an array without a length'],
  ['bf0000ff', 'BRUME_CODEC_MALFORMED', 'a map without a length'],
  ['5f4100ff', 'BRUME_CODEC_MALFORMED', 'a byte string in pieces'],
  ['ff', 'BRUME_CODEC_MALFORMED', 'a break'],
  ['f7', 'BRUME_CODEC_MALFORMED', 'undefined'],
  ['f97e00', 'BRUME_CODEC_MALFORMED', 'NaN'],
  ['f93c00', 'BRUME_CODEC_UNSUPPORTED', 'the float 1.0'],
  ['fb3ff199999999999a', 'BRUME_CODEC_UNSUPPORTED', 'the float 1.1'],
  ['c000', 'BRUME_CODEC_UNSUPPORTED', 'a tag'],
  ['f0', 'BRUME_CODEC_MALFORMED', 'a simple value'],
  ['62c328', 'BRUME_CODEC_MALFORMED', 'broken UTF-8'],
  ['61ff', 'BRUME_CODEC_MALFORMED', 'broken UTF-8 of the right length'],
  ['63eda080', 'BRUME_CODEC_MALFORMED', 'a surrogate in UTF-8'],
  ['a1f400', 'BRUME_CODEC_UNSUPPORTED', 'a boolean key'],
  ['a1410000', 'BRUME_CODEC_UNSUPPORTED', 'a bytes key'],
  ['a1695f5f70726f746f5f5fa0', 'BRUME_CODEC_UNSUPPORTED', 'the key __proto__']
])('refuses %s as %s: %s', (hex, code) => {
  expect(codeOf(() => decode(fromHex(hex), WIDE))).toBe(code)
})

test('limits hold on both sides of their edge', () => {
  const nested = (levels: number) => fromHex(`${'81'.repeat(levels)}00`)
  expect(codeOf(() => decode(nested(16), { bytesMax: 100 }))).toBe('accepted')
  expect(codeOf(() => decode(nested(17), { bytesMax: 100 }))).toBe('BRUME_CODEC_TOO_DEEP')
  expect(codeOf(() => decode(nested(65), { bytesMax: 100, depthMax: 1_000 }))).toBe('BRUME_CODEC_TOO_DEEP')
  const five = encode([1, 2, 3, 4])
  expect(codeOf(() => decode(five, { bytesMax: 5, itemsMax: 5 }))).toBe('accepted')
  expect(codeOf(() => decode(five, { bytesMax: 5, itemsMax: 4 }))).toBe('BRUME_CODEC_TOO_MANY_ITEMS')
  expect(codeOf(() => decode(five, { bytesMax: 4 }))).toBe('BRUME_CODEC_TOO_LARGE')
  expect(codeOf(() => decode(encode({ a: 1 }), { bytesMax: 5, itemsMax: 2 }))).toBe('BRUME_CODEC_TOO_MANY_ITEMS')
})

test.each([
  ['array', '9affffffff0000000000'],
  ['array', '9b001fffffffffffff00'],
  ['map', 'baffffffff0000000000'],
  ['map', 'bb001fffffffffffff00'],
  ['bytes', '5affffffff0000000000'],
  ['text', '7b001fffffffffffff00']
])('a lying %s count costs nothing: %s', (_what, hex) => {
  const bytes = fromHex(hex)
  const before = process.memoryUsage().rss
  for (let i = 0; i < 1_000; i++) {
    expect(codeOf(() => decode(bytes, { bytesMax: 100, itemsMax: 2 ** 60 }))).toMatch(/SHORT|MALFORMED/)
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20)
})

test('maps are null-prototype objects and byte strings are copies, also from a Buffer', () => {
  const input = Buffer.from(encode({ constructor: 1, toString: fromHex('aabb') }))
  const decoded = decode(input, WIDE) as { toString: Uint8Array }
  expect(Object.getPrototypeOf(decoded)).toBeNull()
  input.fill(0)
  expect(toHex(decoded.toString)).toBe('aabb')
})

test('keys are written in bytewise order of their encodings', () => {
  const keys = fc.uniqueArray(
    fc.oneof(fc.maxSafeInteger(), fc.string({ unit: 'binary' }), fc.integer({ min: -70_000, max: 70_000 })),
    {
      comparator: (a, b) => (a === b || (a === 0 && b === 0)) && typeof a === typeof b
    }
  )
  fc.assert(
    fc.property(keys, (names) => {
      const usable = names.filter((name) => name !== '__proto__')
      const sorted = usable.map((name) => encode(name)).sort(compare)
      const body = concat(...sorted.flatMap((name) => [name, fromHex('f6')]))
      const bytes = encode(new Map(usable.map((name) => [name, null])))
      expect(toHex(bytes).endsWith(toHex(body))).toBe(true)
    })
  )
})
