import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cborValue } from './arbitrary.ts'
import { CodecError, decode, encode, equal } from './index.ts'

const WIDE = { bytesMax: 1 << 20, depthMax: 64, itemsMax: 1 << 20 }

/** Either refused with a `CodecError`, or accepted and the one encoding of its value. */
function judge(bytes: Uint8Array): boolean {
  try {
    const value = decode(bytes, WIDE)
    if (!equal(encode(value), bytes)) throw new Error('accepted bytes that do not encode back')
    return true
  } catch (error) {
    if (error instanceof CodecError) return false
    throw error
  }
}

/** Bytes that look like CBOR: heads of all kinds with few and many bytes behind. */
const headish = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(0x18, 0x19, 0x1a, 0x1b, 0x40, 0x60, 0x61, 0x80, 0x81, 0x82, 0xa0, 0xa1, 0xa2, 0xf4, 0xf6, 0xff)
  ),
  { maxLength: 12 }
)

const edit = fc.tuple(
  fc.nat(),
  fc.integer({ min: 0, max: 255 }),
  fc.constantFrom('set', 'flip', 'cut', 'insert', 'remove')
)

function mutate(bytes: Uint8Array, [at, byte, how]: [number, number, string]): Uint8Array {
  const list = [...bytes]
  const index = at % Math.max(1, list.length)
  if (how === 'cut') list.length = index
  else if (how === 'insert') list.splice(index, 0, byte)
  else if (how === 'remove') list.splice(index, 1)
  else list[index] = how === 'set' ? byte : (list[index] ?? 0) ^ (1 << (byte & 7))
  return Uint8Array.from(list)
}

test('60,000 byte strings made of heads: refused, or canonical', { timeout: 120_000 }, () => {
  let accepted = 0
  fc.assert(
    fc.property(headish, (list) => {
      if (judge(Uint8Array.from(list))) accepted += 1
    }),
    { numRuns: 60_000 }
  )
  expect(accepted).toBeGreaterThan(500)
})

test('60,000 mutations of valid encodings: refused, or canonical', { timeout: 120_000 }, () => {
  let accepted = 0
  fc.assert(
    fc.property(cborValue, fc.array(edit, { minLength: 10, maxLength: 10 }), (value, edits) => {
      const bytes = encode(value)
      for (const one of edits) if (judge(mutate(bytes, one))) accepted += 1
    }),
    { numRuns: 6_000 }
  )
  expect(accepted).toBeGreaterThan(500)
  expect(Object.keys(Object.prototype)).toEqual([])
})

test('every byte string of up to two bytes: refused, or canonical', () => {
  for (let first = 0; first < 256; first++) {
    judge(Uint8Array.of(first))
    for (let second = 0; second < 256; second++) judge(Uint8Array.of(first, second))
  }
})
