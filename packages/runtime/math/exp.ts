import { high, scale } from './words.ts'

/** After FreeBSD msun `e_exp.c` and `s_expm1.c`: x = k ln 2 + r with |r| <= ln 2 / 2, and a polynomial in r. */
const LN2_HI = 0.6931471803691238
const LN2_LO = 1.9082149292705877e-10
const INV_LN2 = Math.LOG2E
const OVERFLOW = 709.782712893384
const UNDERFLOW = -745.1332191019411
const HALF_LN2 = 0x3fd62e42
const ONE_AND_HALF_LN2 = 0x3ff0a2b2

export interface Reduced {
  readonly k: number
  readonly hi: number
  readonly lo: number
}

function reduce(x: number, ix: number): Reduced {
  const sign = x < 0 ? -1 : 1
  const k = ix < ONE_AND_HALF_LN2 ? sign : Math.trunc(INV_LN2 * x + sign * 0.5)
  return { k, hi: x - k * LN2_HI, lo: k * LN2_LO }
}

/** R(r^2) of `e_exp.c`: r - r^2 P(r^2). */
export function remez(r: number): number {
  const t = r * r
  const p = 4.1381367970572385e-8
  return (
    r -
    t *
      (0.16666666666666602 +
        t * (-0.0027777777777015593 + t * (0.00006613756321437934 + t * (-0.0000016533902205465252 + t * p))))
  )
}

/** e^x, within 1 ulp. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x
  // Where everybody looks, msun is off by one.
  if (x === 1) return Math.E
  if (x > OVERFLOW) return Number.POSITIVE_INFINITY
  if (x < UNDERFLOW) return 0
  const ix = high(x) & 0x7fffffff
  if (ix <= HALF_LN2) {
    if (ix < 0x3e300000) return 1 + x
    const c = remez(x)
    return 1 - ((x * c) / (c - 2) - x)
  }
  const { k, hi, lo } = reduce(x, ix)
  const r = hi - lo
  const c = remez(r)
  return scale(1 - (lo - (r * c) / (2 - c) - hi), k)
}

/** e^x - 1, exact also where x is small. */
export function expm1(x: number): number {
  const ix = high(x) & 0x7fffffff
  if (Number.isNaN(x) || ix < 0x3c900000) return x
  if (x > OVERFLOW) return Number.POSITIVE_INFINITY
  // Beyond 56 ln 2 nothing is left of e^x beside 1.
  if (ix >= 0x4043687a && x < 0) return -1
  if (ix <= HALF_LN2) return expm1Of(x, 0, 0)
  const { k, hi, lo } = reduce(x, ix)
  const r = hi - lo
  return expm1Of(r, hi - r - lo, k)
}

function expm1Of(x: number, c: number, k: number): number {
  const half = 0.5 * x
  const hxs = x * half
  const r1 =
    1 +
    hxs *
      (-0.03333333333333313 +
        hxs *
          (0.0015873015872548146 +
            hxs * (-0.0000793650757867488 + hxs * (0.000004008217827329362 + hxs * -2.0109921818362437e-7))))
  const t = 3 - r1 * half
  const e0 = hxs * ((r1 - t) / (6 - x * t))
  if (k === 0) return x - (x * e0 - hxs)
  const e = x * (e0 - c) - c - hxs
  if (k === -1) return 0.5 * (x - e) - 0.5
  if (k === 1) return x < -0.25 ? -2 * (e - (x + 0.5)) : 1 + 2 * (x - e)
  if (k <= -2 || k > 56) return scale(1 - (e - x), k) - 1
  if (k < 20) return scale(1 - scale(1, -k) - (e - x), k)
  return scale(x - (e + scale(1, -k)) + 1, k)
}
