import fc from 'fast-check'
import type { CborValue } from './index.ts'

const text = fc.string({ unit: 'binary', maxLength: 40 })
const key = text.filter((name) => name !== '__proto__')

const tree = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.integer({ min: -300, max: 70_000 }),
    text,
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(key, tie('value'), { maxKeys: 30 }),
    fc
      .array(fc.tuple(fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -300, max: 300 }), key), tie('value')))
      .map((entries) => new Map(entries))
  )
}))

/** Any value that can be encoded, for tests. */
export const cborValue: fc.Arbitrary<CborValue> = tree.value

/** What decoding gives back for a value: null-prototype objects, Maps only where a key is an integer. */
export function asDecoded(value: CborValue): CborValue {
  if (value === 0) return 0
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(asDecoded)
  const source: [number | string, CborValue][] = value instanceof Map ? [...value] : Object.entries(value)
  const entries = source.map(([name, item]) => [name === 0 ? 0 : name, asDecoded(item)] as const)
  if (entries.some(([name]) => typeof name === 'number')) return new Map(entries)
  return Object.assign(Object.create(null), Object.fromEntries(entries))
}
