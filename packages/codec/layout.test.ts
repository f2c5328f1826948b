import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  asArray,
  asBoolean,
  asBytes,
  asText,
  asUint,
  CodecError,
  compare,
  concat,
  equal,
  fromHex,
  optional,
  Reader,
  toHex,
  utf8,
  Writer
} from './index.ts'

describe('Writer and Reader', () => {
  test('give back any sequence of fields', () => {
    const u = (bits: number) => fc.nat(2 ** Math.min(bits, 31) - 1)
    const field = fc.record({ a: u(8), b: u(16), c: u(32), d: fc.maxSafeNat(), e: fc.uint8Array({ maxLength: 300 }) })
    fc.assert(
      fc.property(fc.array(field), fc.nat(64), (fields, capacity) => {
        const writer = new Writer(capacity)
        for (const { a, b, c, d, e } of fields) writer.u8(a).u16(b).u32(c).u64(d).u16(e.length).bytes(e)
        const reader = new Reader(concat(fromHex('00'), writer.finish()).subarray(1))
        for (const { a, b, c, d, e } of fields) {
          expect([reader.u8(), reader.u16(), reader.u32(), reader.u64()]).toEqual([a, b, c, d])
          expect(reader.bytes(reader.u16())).toEqual(e)
        }
        expect(reader.remaining).toBe(0)
        reader.end()
      })
    )
  })

  test('are big-endian', () => {
    const bytes = new Writer().u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d).finish()
    expect(toHex(bytes)).toBe('0102030405060700' + '0008090a0b0c0d')
  })

  test('refuse what is short, long, or does not fit', () => {
    expect(() => new Reader(fromHex('01')).u16()).toThrow(/2 bytes needed, 1 left/)
    expect(() => new Reader(fromHex('0020000000000000')).u64()).toThrow(CodecError)
    expect(() => new Reader(fromHex('01')).end()).toThrow(CodecError)
    for (const length of [2, -1, 0.5, Number.NaN])
      expect(() => new Reader(fromHex('01')).bytes(length)).toThrow(CodecError)
    for (const value of [256, -1, 0.5, Number.NaN]) expect(() => new Writer().u8(value)).toThrow(CodecError)
    expect(() => new Writer().u64(2 ** 53)).toThrow(CodecError)
  })

  test('a failed read takes nothing, rest takes all', () => {
    const reader = new Reader(fromHex('010203'))
    expect(() => reader.u32()).toThrow(CodecError)
    expect(toHex(reader.rest())).toBe('010203')
  })
})

describe('shape readers', () => {
  test('take what fits', () => {
    expect(asArray([1], 'a', 1)).toEqual([1])
    expect(asArray([], 'a', { min: 0, max: 2 })).toEqual([])
    expect(asUint(7, 'a')).toBe(7)
    expect(asBytes(fromHex('00ff'), 'a', { min: 1, max: 2 })).toEqual(fromHex('00ff'))
    expect(asText('\u00fc', 'a', 2)).toBe('\u00fc')
    expect(asBoolean(false, 'a')).toBe(false)
    expect(optional(null, (value) => asUint(value, 'a'))).toBeNull()
    expect(optional(3, (value) => asUint(value, 'a'))).toBe(3)
  })

  test.each([
    () => asArray([1, 2], 'votes', 1),
    () => asArray({}, 'votes', 0),
    () => asUint(-1, 'votes'),
    () => asUint(256, 'votes', 255),
    () => asUint(1, 'votes', 5, 2),
    () => asUint('1', 'votes'),
    () => asBytes('00', 'votes', 2),
    () => asBytes(fromHex('00'), 'votes', 2),
    () => asText('\u00fc', 'votes', 1),
    () => asText(1, 'votes', 1),
    () => asBoolean(0, 'votes'),
    () => optional(undefined, (value) => asUint(value, 'votes'))
  ])('refuse the rest and name it: %s', (read) => {
    expect(read).toThrow(
      expect.objectContaining({ code: 'BRUME_CODEC_SHAPE', message: expect.stringContaining('votes') })
    )
  })
})

test('bytes: hex, order, equality', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      expect(fromHex(toHex(a))).toEqual(a)
      expect(equal(a, b)).toBe(toHex(a) === toHex(b))
      expect(Math.sign(compare(a, b))).toBe(toHex(a) < toHex(b) ? -1 : toHex(a) > toHex(b) ? 1 : 0)
      expect(concat(a, b)).toEqual(Uint8Array.from([...a, ...b]))
    })
  )
  for (const text of ['0', 'zz', '0x00', '00 ']) expect(() => fromHex(text)).toThrow(CodecError)
  expect(fromHex('AbCd')).toEqual(Uint8Array.of(0xab, 0xcd))
  expect(toHex(utf8('\u00fc'))).toBe('c3bc')
})
