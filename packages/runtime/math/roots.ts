import { fromWords, head, high, low, scale } from './words.ts'

/** After FreeBSD msun `s_cbrt.c` and `e_hypot.c`. */

/** (1023 - 1023/3 - 0.03306235651) 2^20: a third of the exponent is within 5 % of the root; the second, times 2^54. */
const THIRD = 715094163
const THIRD_SUBNORMAL = 696219795

/** Cube root, within 0.667 ulp. */
export function cbrt(x: number): number {
  if (!Number.isFinite(x) || x === 0) return x
  const sign = high(x) & 0x80000000
  const hx = high(x) & 0x7fffffff
  const first =
    hx < 0x00100000
      ? Math.floor((high(x * 18014398509481984) & 0x7fffffff) / 3) + THIRD_SUBNORMAL
      : Math.floor(hx / 3) + THIRD
  const t0 = fromWords(sign | first, 0)
  const r0 = t0 * t0 * (t0 / x)
  const polynomial =
    1.87595182427177 +
    r0 * (-1.8849797954337717 + r0 * 1.6214297201053545) +
    r0 * r0 * r0 * (-0.758397934778766 + r0 * 0.14599619288661245)
  const t = rounded(t0 * polynomial)
  const s = t * t
  const r = x / s
  return t + t * ((r - t) / (t + t + r))
}

/** To 23 bits, away from zero: its square is exact then. */
function rounded(t: number): number {
  const lower = low(t) + 0x80000000
  const upper = high(t) + (lower > 0xffffffff ? 1 : 0)
  return fromWords(upper, (lower >>> 0) & 0xc0000000)
}

/** sqrt(x^2 + y^2) of any number of arguments, two by two in their order. */
export function hypot(...values: readonly number[]): number {
  if (values.some((value) => Math.abs(value) === Number.POSITIVE_INFINITY)) return Number.POSITIVE_INFINITY
  return values.reduce((sum, value) => hypot2(sum, value), 0)
}

function hypot2(x: number, y: number): number {
  const [a, b] = Math.abs(x) >= Math.abs(y) ? [Math.abs(x), Math.abs(y)] : [Math.abs(y), Math.abs(x)]
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN
  if (high(a) - high(b) > 0x3c00000) return a + b
  // Squares of what is beyond 2^500, or below 2^-500, are no doubles.
  if (high(a) > 0x5f300000) return scale(hypotOf(scale(a, -600), scale(b, -600)), 600)
  if (high(b) < 0x20b00000) return scale(hypotOf(scale(a, 600), scale(b, 600)), -600)
  return hypotOf(a, b)
}

/** a >= b > 0, no square of which overflows. */
function hypotOf(a: number, b: number): number {
  if (b === 0) return a
  const w = a - b
  if (w > b) {
    const t1 = head(a)
    const t2 = a - t1
    return Math.sqrt(t1 * t1 - (b * -b - t2 * (a + t1)))
  }
  const y1 = head(b)
  const y2 = b - y1
  const t1 = head(a + a)
  const t2 = a + a - t1
  return Math.sqrt(t1 * y1 - (w * -w - (t1 * y2 + t2 * b)))
}
