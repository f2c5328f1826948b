import { head, high } from './words.ts'

/** After FreeBSD msun `e_asin.c`, `e_acos.c`, `s_atan.c`, `e_atan2.c`. */
const PIO2_HI = 1.5707963267948966
const PIO2_LO = 6.123233995736766e-17
const PI = Math.PI
const PI_LO = 1.2246467991473532e-16

/** (asin x - x) / x^3 as a quotient of polynomials in t = x^2, for x <= 0.5. */
function quotient(t: number): number {
  const p =
    t *
    (0.16666666666666666 +
      t *
        (-0.3255658186224009 +
          t *
            (0.20121253213486293 +
              t * (-0.04005553450067941 + t * (0.0007915349942898145 + t * 0.00003479331075960212)))))
  const q =
    1 + t * (-2.403394911734414 + t * (2.0209457602335057 + t * (-0.6882839716054533 + t * 0.07703815055590194)))
  return p / q
}

export function asin(x: number): number {
  const ix = high(x) & 0x7fffffff
  if (Math.abs(x) === 1) return x * PIO2_HI + x * PIO2_LO
  if (!(Math.abs(x) < 1)) return Number.NaN
  if (ix < 0x3e500000) return x
  if (ix < 0x3fe00000) return x + x * quotient(x * x)
  const t = (1 - Math.abs(x)) * 0.5
  const s = Math.sqrt(t)
  const value = ix >= 0x3fef3333 ? PIO2_HI - (2 * (s + s * quotient(t)) - PIO2_LO) : asinMiddle(s, t)
  return x > 0 ? value : -value
}

function asinMiddle(s: number, t: number): number {
  const w = head(s)
  const c = (t - w * w) / (s + w)
  const pio4 = 0.7853981633974483
  return pio4 - (2 * s * quotient(t) - (PIO2_LO - 2 * c) - (pio4 - 2 * w))
}

export function acos(x: number): number {
  if (x === 1) return 0
  if (x === -1) return PI + 2 * PIO2_LO
  if (!(Math.abs(x) < 1)) return Number.NaN
  const ix = high(x) & 0x7fffffff
  if (ix <= 0x3c600000) return PIO2_HI + PIO2_LO
  if (ix < 0x3fe00000) return PIO2_HI - (x - (PIO2_LO - x * quotient(x * x)))
  const z = (1 - Math.abs(x)) * 0.5
  const s = Math.sqrt(z)
  if (x < 0) return PI - 2 * (s + (quotient(z) * s - PIO2_LO))
  const df = head(s)
  const c = (z - df * df) / (s + df)
  return 2 * (df + (quotient(z) * s + c))
}

/** arctan of 0.5, 1, 1.5 and infinity, each with what rounding took from it. */
const ATAN_HI = [0.4636476090008061, 0.7853981633974483, 0.982793723247329, PIO2_HI] as const
const ATAN_LO = [2.2698777452961687e-17, 3.061616997868383e-17, 1.3903311031230998e-17, PIO2_LO] as const
const A = [
  0.3333333333333293, -0.19999999999876483, 0.14285714272503466, -0.11111110405462356, 0.09090887133436507,
  -0.0769187620504483, 0.06661073137387531, -0.058335701337905735, 0.049768779946159324, -0.036531572744216916,
  0.016285820115365782
] as const

function atanSeries(x: number): number {
  const z = x * x
  const w = z * z
  const s1 = z * (A[0] + w * (A[2] + w * (A[4] + w * (A[6] + w * (A[8] + w * A[10])))))
  const s2 = w * (A[1] + w * (A[3] + w * (A[5] + w * (A[7] + w * A[9]))))
  return x * (s1 + s2)
}

/** Which of the four the argument is near to, and the tangent of the difference. */
function near(a: number): readonly [id: 0 | 1 | 2 | 3, x: number] {
  const ix = high(a)
  if (ix < 0x3fe60000) return [0, (2 * a - 1) / (2 + a)]
  if (ix < 0x3ff30000) return [1, (a - 1) / (a + 1)]
  return ix < 0x40038000 ? [2, (a - 1.5) / (1 + 1.5 * a)] : [3, -1 / a]
}

export function atan(x: number): number {
  const ix = high(x) & 0x7fffffff
  if (Number.isNaN(x) || ix < 0x3e400000) return x
  if (ix < 0x3fdc0000) return x - atanSeries(x)
  if (ix >= 0x44100000) return x > 0 ? PIO2_HI + PIO2_LO : -(PIO2_HI + PIO2_LO)
  const [id, r] = near(Math.abs(x))
  const value = ATAN_HI[id] - (atanSeries(r) - ATAN_LO[id] - r)
  return x > 0 ? value : -value
}

const isNegative = (x: number): boolean => x < 0 || Object.is(x, -0)

/** Angle of the point (x, y), from -pi to pi. */
export function atan2(y: number, x: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN
  if (x === 1) return atan(y)
  const sign = isNegative(y) ? -1 : 1
  if (y === 0) return isNegative(x) ? sign * PI : y
  if (x === 0) return sign * PIO2_HI
  const [a, b] = [Math.abs(y), Math.abs(x)]
  if (b === Number.POSITIVE_INFINITY) return sign * atAnInfiniteX(a, x)
  if (a === Number.POSITIVE_INFINITY) return sign * PIO2_HI
  const exponents = (high(a) - high(b)) >> 20
  if (exponents > 60) return sign * (PIO2_HI + 0.5 * PI_LO)
  const z = x < 0 && exponents < -60 ? 0 : atan(a / b)
  return sign * (x > 0 ? z : PI - (z - PI_LO))
}

function atAnInfiniteX(a: number, x: number): number {
  const isBoth = a === Number.POSITIVE_INFINITY
  if (x > 0) return isBoth ? PI / 4 : 0
  return isBoth ? (3 * PI) / 4 : PI
}
