import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as math from './index.ts'
import vectors from './vectors.json' with { type: 'json' }

type Unary = (x: number) => number
const ulpOf = (x: number): number => {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, Math.abs(x))
  view.setBigInt64(0, view.getBigInt64(0) + 1n)
  return view.getFloat64(0) - Math.abs(x)
}
/** Both NaN, equal, or so many units in the last place apart. */
function near(found: number, wanted: number, ulps: number): boolean {
  if (Number.isNaN(found) || Number.isNaN(wanted)) return Number.isNaN(found) && Number.isNaN(wanted)
  return Object.is(found, wanted) || Math.abs(found - wanted) <= ulps * ulpOf(wanted)
}

const { pow, atan2, hypot, ...unary } = math
/** All doubles, and where each function does most of its work. */
const arguments_ = fc.oneof(
  fc.double(),
  fc.double({ min: -40, max: 40 }),
  fc.double({ min: -1.1, max: 1.1 }),
  fc.double({ min: -1500, max: 1500 }),
  fc.double({ min: -1e-6, max: 1e-6 }),
  fc.integer().map((n) => (n * Math.PI) / 4)
)

describe('functions that are the same everywhere', () => {
  test.each(Object.entries(unary) as [string, Unary][])("%s is within two units of the engine's own", (name, own) => {
    const engine = Reflect.get(Math, name) as Unary
    // The engine's own log10 is off by up to two units.
    fc.assert(
      fc.property(arguments_, (x) => near(own(x), engine(x), name === 'log10' ? 3 : 2)),
      { numRuns: 3_000 }
    )
  })

  test('of two arguments too', () => {
    const pair = fc.tuple(arguments_, arguments_)
    fc.assert(
      fc.property(pair, ([x, y]) => near(pow(x, y), x ** y, 2)),
      { numRuns: 3_000 }
    )
    fc.assert(
      fc.property(pair, ([x, y]) => near(atan2(x, y), Math.atan2(x, y), 2)),
      { numRuns: 3_000 }
    )
    fc.assert(
      fc.property(pair, ([x, y]) => near(hypot(x, y), Math.hypot(x, y), 3)),
      { numRuns: 3_000 }
    )
  })
})

const fromBits = (bits: string): number => Buffer.from(bits, 'hex').readDoubleBE()

/** Rounded correctly from 2,400 bits, by mpmath 1.3; each line the bits of arguments and value. */
test.each(Object.entries(vectors))('%s is within one unit of the true value', (name, lines) => {
  const own = Reflect.get(math, name) as (...of: readonly number[]) => number
  for (const line of lines as string[][]) {
    const [value = Number.NaN, ...reversed] = line.map(fromBits).reverse()
    const args = reversed.reverse()
    expect({ args, near: near(own(...args), value, 1) }).toEqual({ args, near: true })
  }
})

test.each<[string, number, number]>([
  ['sin 1e22', math.sin(1e22), -0.8522008497671888],
  ['cos 2^1023', math.cos(2 ** 1023), -0.826369834614148],
  ['tan pi/2', math.tan(Math.PI / 2), 16331239353195370],
  ['sin pi', math.sin(Math.PI), 1.2246467991473532e-16],
  ['exp 1', math.exp(1), Math.E],
  ['exp of much', math.exp(710), Number.POSITIVE_INFINITY],
  ['exp of little', math.exp(-745), 5e-324],
  ['expm1 of little', math.expm1(1e-10), 1.00000000005e-10],
  ['log of the least', math.log(5e-324), -744.4400719213812],
  ['log2 8', math.log2(8), 3],
  ['log2 2^-1074', math.log2(5e-324), -1074],
  ['log10 1000', math.log10(1000), 3],
  ['log 0', math.log(0), Number.NEGATIVE_INFINITY],
  ['log -1', math.log(-1), Number.NaN],
  ['log1p -1', math.log1p(-1), Number.NEGATIVE_INFINITY],
  ['cbrt 27', math.cbrt(27), 3],
  ['cbrt -8', math.cbrt(-8), -2],
  ['hypot 3 4', math.hypot(3, 4), 5],
  ['hypot of none', math.hypot(), 0],
  ['hypot of three', math.hypot(2, 3, 6), 7],
  ['hypot of much', math.hypot(3e300, 4e300), 5e300],
  ['hypot of infinity and NaN', math.hypot(Number.NaN, Number.NEGATIVE_INFINITY), Number.POSITIVE_INFINITY],
  ['acos 1', math.acos(1), 0],
  ['asin 2', math.asin(2), Number.NaN],
  ['atan infinity', math.atan(Number.POSITIVE_INFINITY), Math.PI / 2],
  ['atan2 -0 -1', math.atan2(-0, -1), -Math.PI],
  ['atan2 of infinities', math.atan2(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY), (-3 * Math.PI) / 4],
  ['tanh far out', math.tanh(100), 1],
  ['atanh 1', math.atanh(1), Number.POSITIVE_INFINITY],
  ['acosh below 1', math.acosh(0.5), Number.NaN],
  ['pow 2 10', math.pow(2, 10), 1024],
  ['pow 2 -1074', math.pow(2, -1074), 5e-324],
  ['pow -8 1/3', math.pow(-8, 1 / 3), Number.NaN],
  ['pow -2 3', math.pow(-2, 3), -8],
  ['pow 1 infinity', math.pow(1, Number.POSITIVE_INFINITY), Number.NaN],
  ['pow 0 -1', math.pow(0, -1), Number.POSITIVE_INFINITY],
  ['pow -0 -3', math.pow(-0, -3), Number.NEGATIVE_INFINITY],
  ['pow 10 308', math.pow(10, 308), 1e308],
  ['pow near 1', math.pow(1.0000000001, 1e10), 2.7182820532347876]
])('%s', (_, found, wanted) => {
  expect(found).toBe(wanted)
})
