import { head, high, rint, scale } from './words.ts'

/** After FreeBSD msun `k_sin.c`, `k_cos.c`, `k_tan.c`, `e_rem_pio2.c`: x = n pi/2 + y, |y| <= pi/4. */
interface Reduced {
  /** Quadrant, 0 to 3. */
  readonly n: number
  /** The rest, and what rounding took from it. */
  readonly y: number
  readonly t: number
}

/** Fraction bits of 2/pi: the 1,024 of the largest exponent, 53 of a double, twice that of precision, and some. */
const BITS = 1216n
const TWO_OVER_PI = BigInt(
  '0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1921cfe1d' +
    'eb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b' +
    '5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b' +
    '6bab'
)
/** pi/2 in three parts of 33 bits, each with what follows it. */
const PIO2 = [
  [1.5707963267341256, 6.077100506506192e-11],
  [6.077100506303966e-11, 2.0222662487959506e-21],
  [2.0222662487111665e-21, 8.4784276603689e-32]
] as const
const PIO4 = 0x3fe921fb
/** 2^20 pi/2: up to there three parts suffice. */
const MEDIUM = 0x413921fb

function reduce(x: number): Reduced {
  const ix = high(x) & 0x7fffffff
  if (ix <= PIO4) return { n: 0, y: x, t: 0 }
  return ix < MEDIUM ? reduceMedium(x, ix) : reduceLarge(x)
}

/** Cody and Waite: as many parts of pi/2 as leave 53 bits of the difference. */
function reduceMedium(x: number, ix: number): Reduced {
  const n = rint(x * 0.6366197723675814)
  let r = x - n * PIO2[0][0]
  let w = n * PIO2[0][1]
  for (const [part, bitsLost] of [
    [PIO2[1], 16],
    [PIO2[2], 49]
  ] as const) {
    const lost = (ix >> 20) - ((high(r - w) >> 20) & 0x7ff)
    if (lost <= bitsLost) break
    const before = r
    w = n * part[0]
    r = before - w
    w = n * part[1] - (before - r - w)
  }
  const y = r - w
  return { n: n & 3, y, t: r - y - w }
}

/** Payne and Hanek, in integers: x is one times a power of two, and of x * 2/pi all but two bits and the fraction goes. */
function reduceLarge(x: number): Reduced {
  const sign = x < 0 ? -1 : 1
  const exponent = ((high(x) >> 20) & 0x7ff) - 1075
  const mantissa = BigInt(scale(Math.abs(x), -exponent))
  const quarters = (mantissa * TWO_OVER_PI) << BigInt(exponent)
  const one = 1n << BITS
  const whole = quarters >> BITS
  let fraction = quarters & (one - 1n)
  let n = Number(whole & 3n)
  if (fraction >= one >> 1n) {
    fraction -= one
    n += 1
  }
  const [y, t] = timesPio2(fraction)
  return { n: (sign * n) & 3, y: sign * y, t: sign * t }
}

/** fraction / 2^1216 * pi/2 as a double and what rounding took from it. */
function timesPio2(fraction: bigint): readonly [y: number, t: number] {
  const shift = BITS - 160n
  const small = fraction >> shift
  // 160 bits of the fraction, 160 of pi/2.
  const product = small * PIO2_160
  const y = scale(Number(product), -320)
  const rest = product - BigInt(scale(y, 320))
  return [y, scale(Number(rest), -320)]
}

/** pi/2 * 2^160. */
const PIO2_160 = (1n << (BITS + 160n)) / TWO_OVER_PI

function kernelSin(x: number, y: number): number {
  const z = x * x
  const w = z * z
  const r =
    0.00833333333332249 +
    z * (-0.0001984126982985795 + z * 0.0000027557313707070068) +
    z * w * (-2.5050760253406863e-8 + z * 1.58969099521155e-10)
  const v = z * x
  const s1 = -0.16666666666666632
  return y === 0 ? x + v * (s1 + z * r) : x - (z * (0.5 * y - v * r) - y - v * s1)
}

function kernelCos(x: number, y: number): number {
  const z = x * x
  const w2 = z * z
  const r =
    z * (0.0416666666666666 + z * (-0.001388888888887411 + z * 0.00002480158728947673)) +
    w2 * w2 * (-2.7557314351390663e-7 + z * (2.087572321298175e-9 + z * -1.1359647557788195e-11))
  const hz = 0.5 * z
  const w = 1 - hz
  return w + (1 - w - hz + (z * r - x * y))
}

const T = [
  0.3333333333333341, 0.13333333333320124, 0.05396825397622605, 0.021869488294859542, 0.0088632398235993,
  0.0035920791075913124, 0.0014562094543252903, 0.0005880412408202641, 0.0002464631348184699, 0.00007817944429395571,
  0.00007140724913826082, -0.000018558637485527546, 0.00002590730518636337
] as const

/** tan(x + y), or, for odd quadrants, -1 / tan. */
function kernelTan(x: number, y: number, isOdd: boolean): number {
  const sign = x < 0 ? -1 : 1
  const isLarge = (high(x) & 0x7fffffff) >= 0x3fe59428
  const a = isLarge ? 0.7853981633974483 - sign * x + (3.061616997868383e-17 - sign * y) : x
  const b = isLarge ? 0 : y
  const z = a * a
  const w = z * z
  const odd = T[1] + w * (T[3] + w * (T[5] + w * (T[7] + w * (T[9] + w * T[11]))))
  const even = z * (T[2] + w * (T[4] + w * (T[6] + w * (T[8] + w * (T[10] + w * T[12])))))
  const s = z * a
  const r = b + z * (s * (odd + even) + b) + T[0] * s
  const sum = a + r
  if (isLarge) {
    const v = isOdd ? -1 : 1
    return sign * (v - 2 * (a - ((sum * sum) / (sum + v) - r)))
  }
  if (!isOdd) return sum
  const sumHead = head(sum)
  const inverse = -1 / sum
  const t = head(inverse)
  return t + inverse * (1 + t * sumHead + t * (r - (sumHead - a)))
}

export function sin(x: number): number {
  if (!Number.isFinite(x)) return Number.NaN
  if ((high(x) & 0x7fffffff) < 0x3e500000) return x
  const { n, y, t } = reduce(x)
  const value = n % 2 === 0 ? kernelSin(y, t) : kernelCos(y, t)
  return n < 2 ? value : -value
}

export function cos(x: number): number {
  if (!Number.isFinite(x)) return Number.NaN
  const { n, y, t } = reduce(x)
  const value = n % 2 === 0 ? kernelCos(y, t) : kernelSin(y, t)
  return n === 1 || n === 2 ? -value : value
}

export function tan(x: number): number {
  if (!Number.isFinite(x)) return Number.NaN
  if ((high(x) & 0x7fffffff) < 0x3e400000) return x
  const { n, y, t } = reduce(x)
  return kernelTan(y, t, n % 2 === 1)
}
