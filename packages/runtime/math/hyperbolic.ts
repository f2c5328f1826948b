import { exp, expm1 } from './exp.ts'
import { log, log1p } from './log.ts'
import { high } from './words.ts'

/** After FreeBSD msun `e_sinh.c`, `e_cosh.c`, `s_tanh.c`, `s_asinh.c`, `e_acosh.c`, `e_atanh.c`. */
const LN2 = Math.LN2
/** Beyond it e^-x adds nothing to e^x. */
const FAR = 22
/** Beyond it e^x is no double; half of it is. */
const EXP_MAX = 709.782712893384
/** 2^28 and its inverse: x^2 adds nothing beside 1, or 1 beside x^2. */
const LARGE = 268435456

export function sinh(x: number): number {
  const a = Math.abs(x)
  if (!Number.isFinite(x) || a < 1 / LARGE) return x
  const half = x < 0 ? -0.5 : 0.5
  if (a >= FAR) return 2 * half * halfExp(a)
  const t = expm1(a)
  return a < 1 ? half * (2 * t - (t * t) / (t + 1)) : half * (t + t / (t + 1))
}

export function cosh(x: number): number {
  const a = Math.abs(x)
  if (!Number.isFinite(x)) return a
  if (a >= FAR) return halfExp(a)
  if ((high(a) & 0x7fffffff) < 0x3fd62e43) {
    const t = expm1(a)
    const w = 1 + t
    return a < 5.551115123125783e-17 ? w : 1 + (t * t) / (w + w)
  }
  const t = exp(a)
  return 0.5 * t + 0.5 / t
}

/** e^x / 2, which is a double for longer than e^x is. */
function halfExp(a: number): number {
  if (a < EXP_MAX) return 0.5 * exp(a)
  const w = exp(0.5 * a)
  return 0.5 * w * w
}

export function tanh(x: number): number {
  const a = Math.abs(x)
  if (Number.isNaN(x) || a < 1 / LARGE) return x
  const sign = x < 0 ? -1 : 1
  if (a >= FAR) return sign
  if (a >= 1) return sign * (1 - 2 / (expm1(2 * a) + 2))
  const t = expm1(-2 * a)
  return sign * (-t / (t + 2))
}

export function asinh(x: number): number {
  const a = Math.abs(x)
  if (!Number.isFinite(x) || a < 1 / LARGE) return x
  const sign = x < 0 ? -1 : 1
  if (a > LARGE) return sign * (log(a) + LN2)
  if (a > 2) return sign * log(2 * a + 1 / (Math.sqrt(x * x + 1) + a))
  const t = x * x
  return sign * log1p(a + t / (1 + Math.sqrt(1 + t)))
}

export function acosh(x: number): number {
  if (!(x >= 1)) return Number.NaN
  if (x === 1) return 0
  if (x > LARGE) return x === Number.POSITIVE_INFINITY ? x : log(x) + LN2
  if (x > 2) return log(2 * x - 1 / (x + Math.sqrt(x * x - 1)))
  const t = x - 1
  return log1p(t + Math.sqrt(2 * t + t * t))
}

export function atanh(x: number): number {
  const a = Math.abs(x)
  if (!(a <= 1)) return Number.NaN
  if (a < 1 / LARGE) return x
  const sign = x < 0 ? -1 : 1
  if (a === 1) return sign * Number.POSITIVE_INFINITY
  const t = a + a
  return sign * 0.5 * (a < 0.5 ? log1p(t + (t * a) / (1 - a)) : log1p(t / (1 - a)))
}
