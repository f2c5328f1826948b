import { head, high, scale, withHigh } from './words.ts'

/**
 * After FreeBSD msun `e_pow.c`: log2 |x| to some 80 bits as a sum of two doubles, times y, and 2 to the power of that.
 * Within 0.7 ulp.
 */
const CP = 0.9617966939259756
const CP_H = 0.9617967009544373
const CP_L = -7.028461650952758e-9
const LN2 = Math.LN2
const LN2_H = 0.6931471824645996
const LN2_L = -1.904654299957768e-9
const INV_LN2 = Math.LOG2E
const INV_LN2_H = 1.4426950216293335
const INV_LN2_L = 1.9259629911266175e-8

interface Pair {
  readonly hi: number
  readonly lo: number
}

export function pow(x: number, y: number): number {
  if (y === 0) return 1
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN
  const a = Math.abs(x)
  if (!Number.isFinite(y)) return ofInfiniteExponent(a, y)
  if (x === 1) return 1
  const parity = parityOf(y)
  const isMinus = (x < 0 || Object.is(x, -0)) && parity === 'odd'
  const sign = isMinus ? -1 : 1
  if (a === 0 || a === Number.POSITIVE_INFINITY) return sign * ((a === 0) === y > 0 ? 0 : Number.POSITIVE_INFINITY)
  if (x < 0 && parity === 'none') return Number.NaN
  if (y === 1) return x
  if (y === -1) return 1 / x
  if (y === 2) return x * x
  if (y === 0.5 && x > 0) return Math.sqrt(x)
  if (a === 1) return sign
  return sign * powOf(a, y)
}

/** ECMAScript has (+-1) to the power of infinity as NaN, where C has 1. */
function ofInfiniteExponent(a: number, y: number): number {
  if (a === 1) return Number.NaN
  return a > 1 === y > 0 ? Number.POSITIVE_INFINITY : 0
}

function parityOf(y: number): 'odd' | 'even' | 'none' {
  if (!Number.isInteger(y)) return 'none'
  return y % 2 === 0 ? 'even' : 'odd'
}

/** a > 0 and not 1, y finite and not 0. */
function powOf(a: number, y: number): number {
  const iy = high(y) & 0x7fffffff
  // |y| > 2^31: unless |1 - a| < 2^-20 it is 0 or infinite.
  const isHuge = iy > 0x41e00000
  if (isHuge && (iy > 0x43f00000 || high(a) < 0x3fefffff || high(a) > 0x3ff00000)) {
    if (high(a) <= 0x3fefffff) return y < 0 ? Number.POSITIVE_INFINITY : 0
    if (high(a) >= 0x3ff00000) return y > 0 ? Number.POSITIVE_INFINITY : 0
  }
  const log = isHuge ? logNearOne(a) : log2Of(a)
  const y1 = head(y)
  const lo = (y - y1) * log.hi + y * log.lo
  const hi = y1 * log.hi
  return power(hi, lo)
}

/** log2 a for |1 - a| <= 2^-20, by three terms of its series. */
function logNearOne(a: number): Pair {
  const t = a - 1
  const w = t * t * (0.5 - t * (0.3333333333333333 - t * 0.25))
  const u = INV_LN2_H * t
  const v = t * INV_LN2_L - w * INV_LN2
  const hi = head(u + v)
  return { hi, lo: v - (hi - u) }
}

function log2Of(a: number): Pair {
  const isSubnormal = high(a) < 0x00100000
  const normal = isSubnormal ? a * 9007199254740992 : a
  const word = high(normal)
  const fraction = word & 0x000fffff
  // Near 1, near 1.5, or near 2.
  const isMiddle = fraction > 0x3988e && fraction < 0xbb67a
  const carry = fraction >= 0xbb67a ? 1 : 0
  const n = (word >> 20) - 1023 - (isSubnormal ? 53 : 0) + carry
  const ix = (fraction | 0x3ff00000) - carry * 0x00100000
  return log2Scaled(withHigh(normal, ix), ix, n, isMiddle)
}

function log2Scaled(ax: number, ix: number, n: number, isMiddle: boolean): Pair {
  const bp = isMiddle ? 1.5 : 1
  const u = ax - bp
  const v = 1 / (ax + bp)
  const s = u * v
  const sh = head(s)
  const th = withHigh(0, ((ix >> 1) | 0x20000000) + 0x00080000 + (isMiddle ? 0x00040000 : 0))
  const tl = ax - (th - bp)
  const sl = v * (u - sh * th - sh * tl)
  const s2 = s * s
  const r =
    s2 *
      s2 *
      (0.5999999999999946 +
        s2 *
          (0.4285714285785502 +
            s2 *
              (0.33333332981837743 +
                s2 * (0.272728123808534 + s2 * (0.23066074577556175 + s2 * 0.20697501780033842))))) +
    sl * (sh + s)
  const square = sh * sh
  const t1 = head(3 + square + r)
  const t2 = r - (t1 - 3 - square)
  const w = sh * t1
  const z = sl * t1 + t2 * s
  const ph = head(w + z)
  const pl = z - (ph - w)
  const zh = CP_H * ph
  const zl = CP_L * ph + pl * CP + (isMiddle ? 1.350039202129749e-8 : 0)
  const dp = isMiddle ? 0.5849624872207642 : 0
  const hi = head(zh + zl + dp + n)
  return { hi, lo: zl - (hi - n - dp - zh) }
}

/** 2^(hi + lo). */
function power(hi: number, lo: number): number {
  const z = hi + lo
  const overflow = 8.008566259537294e-17
  if (z >= 1024 && (z > 1024 || lo + overflow > z - hi)) return Number.POSITIVE_INFINITY
  if (z <= -1075 && (z < -1075 || lo <= z - hi)) return 0
  const n = Math.abs(z) > 0.5 ? Math.trunc(z + (z > 0 ? 0.5 : -0.5)) : 0
  const rest = hi - n
  const t = head(lo + rest)
  const u = t * LN2_H
  const v = (lo - (t - rest)) * LN2 + t * LN2_L
  const sum = u + v
  const w = v - (sum - u)
  const t2 = sum * sum
  const t1 =
    sum -
    t2 *
      (0.16666666666666602 +
        t2 *
          (-0.0027777777777015593 +
            t2 * (0.00006613756321437934 + t2 * (-0.0000016533902205465252 + t2 * 4.1381367970572385e-8))))
  const r = (sum * t1) / (t1 - 2) - (w + sum * w)
  return scale(1 - (r - sum), n)
}
