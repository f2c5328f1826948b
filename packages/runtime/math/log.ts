import { head, high, withHigh } from './words.ts'

/** After FreeBSD msun `e_log.c`, `s_log1p.c`, `e_log2.c`, `e_log10.c`, `k_log.h`: x = 2^k (1 + f), s = f / (2 + f). */
const LN2_HI = 0.6931471803691238
const LN2_LO = 1.9082149292705877e-10
const LG = [
  0.6666666666666735, 0.3999999999940942, 0.2857142874366239, 0.22222198432149784, 0.1818357216161805,
  0.15313837699209373, 0.14798198605116586
] as const

interface Split {
  readonly k: number
  readonly f: number
  readonly hx: number
}

/** For finite x > 0. */
function split(x: number): Split {
  const isSubnormal = high(x) < 0x00100000
  const normal = isSubnormal ? x * 2 ** 54 : x
  const word = high(normal)
  const hx = word & 0xfffff
  const i = (hx + 0x95f64) & 0x100000
  const k = (word >> 20) - 1023 + (i >> 20) - (isSubnormal ? 54 : 0)
  return { k, hx, f: withHigh(normal, hx | (i ^ 0x3ff00000)) - 1 }
}

function seriesOf(z: number): number {
  const w = z * z
  const t1 = w * (LG[1] + w * (LG[3] + w * LG[5]))
  const t2 = z * (LG[0] + w * (LG[2] + w * (LG[4] + w * LG[6])))
  return t2 + t1
}

/** What every logarithm is at 0, below it, and where there is nothing to compute; undefined for the rest. */
function special(x: number): number | undefined {
  if (x === 0) return Number.NEGATIVE_INFINITY
  if (x < 0 || Number.isNaN(x)) return Number.NaN
  return x === Number.POSITIVE_INFINITY ? x : undefined
}

/** Natural logarithm, within 1 ulp. */
export function log(x: number): number {
  const known = special(x)
  if (known !== undefined) return known
  const { k, f, hx } = split(x)
  if ((0xfffff & (2 + hx)) < 3) return logNearPower(k, f)
  const s = f / (2 + f)
  const r = seriesOf(s * s)
  if (((hx - 0x6147a) | (0x6b851 - hx)) > 0) {
    const hfsq = 0.5 * f * f
    if (k === 0) return f - (hfsq - s * (hfsq + r))
    return k * LN2_HI - (hfsq - (s * (hfsq + r) + k * LN2_LO) - f)
  }
  return k === 0 ? f - s * (f - r) : k * LN2_HI - (s * (f - r) - k * LN2_LO - f)
}

/** |f| < 2^-20. */
function logNearPower(k: number, f: number): number {
  if (f === 0) return k * LN2_HI + k * LN2_LO
  const r = f * f * (0.5 - 0.3333333333333333 * f)
  return k === 0 ? f - r : k * LN2_HI - (r - k * LN2_LO - f)
}

/** Natural logarithm of 1 + x, exact also where x is small. */
export function log1p(x: number): number {
  const ax = high(x) & 0x7fffffff
  if (x === -1) return Number.NEGATIVE_INFINITY
  if (x < -1 || Number.isNaN(x)) return Number.NaN
  if (x === Number.POSITIVE_INFINITY || ax < 0x3c900000) return x
  if (ax < 0x3e200000) return x - x * x * 0.5
  const isNearOne = x > 0 ? high(x) < 0x3fda827a : ax <= 0x3fd2bec4
  if (isNearOne) return log1pOf(0, x, 0, 1)
  const isHuge = ax >= 0x43400000
  const u = isHuge ? x : 1 + x
  const word = high(u)
  const k = (word >> 20) - 1023
  const c = isHuge ? 0 : (k > 0 ? 1 - (u - x) : x - (u - 1)) / u
  const hu = word & 0xfffff
  if (hu < 0x6a09e) return log1pOf(k, withHigh(u, hu | 0x3ff00000) - 1, c, hu)
  return log1pOf(k + 1, withHigh(u, hu | 0x3fe00000) - 1, c, (0x100000 - hu) >> 2)
}

function log1pOf(k: number, f: number, c: number, hu: number): number {
  const hfsq = 0.5 * f * f
  if (hu === 0) {
    if (f === 0) return k === 0 ? 0 : k * LN2_HI + (c + k * LN2_LO)
    const r = hfsq * (1 - 0.6666666666666666 * f)
    return k === 0 ? f - r : k * LN2_HI - (r - (k * LN2_LO + c) - f)
  }
  const s = f / (2 + f)
  const z = s * s
  const r = z * (LG[0] + z * (LG[1] + z * (LG[2] + z * (LG[3] + z * (LG[4] + z * (LG[5] + z * LG[6]))))))
  if (k === 0) return f - (hfsq - s * (hfsq + r))
  return k * LN2_HI - (hfsq - (s * (hfsq + r) + (k * LN2_LO + c)) - f)
}

interface Parts {
  readonly k: number
  /** log(1 + f), to twice the precision. */
  readonly hi: number
  readonly lo: number
}

function parts(x: number): Parts {
  const { k, f } = split(x)
  const hfsq = 0.5 * f * f
  const s = f / (2 + f)
  const r = s * (hfsq + seriesOf(s * s))
  const hi = head(f - hfsq)
  return { k, hi, lo: f - hi - hfsq + r }
}

/** Logarithm to base 2; exact for powers of two. */
export function log2(x: number): number {
  const known = special(x)
  if (known !== undefined) return known
  if (x === 1) return 0
  const { k, hi, lo } = parts(x)
  const [inverseHi, inverseLo] = [1.4426950407214463, 1.6751713164886512e-10]
  const value = hi * inverseHi
  const w = k + value
  return (lo + hi) * inverseLo + lo * inverseHi + (k - w + value) + w
}

/** Logarithm to base 10. */
export function log10(x: number): number {
  const known = special(x)
  if (known !== undefined) return known
  if (x === 1) return 0
  const { k, hi, lo } = parts(x)
  const [inverseHi, inverseLo] = [0.4342944818781689, 2.5082946711645275e-11]
  const [log2Hi, log2Lo] = [0.30102999566361177, 3.694239077158931e-13]
  const value = hi * inverseHi
  const y2 = k * log2Hi
  const w = y2 + value
  return k * log2Lo + (lo + hi) * inverseLo + lo * inverseHi + (y2 - w + value) + w
}
