import { toHex, Writer } from '@brume/codec'
import { sha256 } from '@brume/crypto'
import * as math from '../math/index.ts'
import { ReplicaError } from './errors.ts'

/** Of each kind; with eight kinds 4,096 in all. */
const CASES = 512

/** Numbers for one case of one kind, equal everywhere. */
interface Dice {
  /** Uniform from 0 to 2^32 - 1. */
  word(): number
  /** Any finite double, of any size. */
  double(): number
  /** Between -1 and 1 times `size`. */
  near(size: number): number
}

type Case = (dice: Dice) => string

/**
 * What machines compute by, beside XState: where an engine answers otherwise than the one these were made on, its peer
 * would halt at the first such step, so it says so before. Of characters only those that Unicode 15 has.
 */
const KINDS: Readonly<Record<string, Case>> = {
  arithmetic: (dice) => {
    const [a, b] = [dice.double(), dice.double()]
    return [a + b, a - b, a * b, a / b, a % b, Math.sqrt(Math.abs(a)), Math.fround(a), Math.round(dice.near(1e6))]
      .map(bits)
      .join()
  },
  integers: (dice) => {
    const [a, b] = [dice.word(), dice.word()]
    const big = BigInt(a) ** 3n * BigInt(b) - (BigInt(b) << 65n)
    return [
      a | b,
      a ^ b,
      a << b,
      a >> b,
      a >>> b,
      Math.imul(a, b),
      Math.clz32(a),
      big,
      big % 1_000_003n,
      BigInt.asIntN(64, big)
    ].join()
  },
  formatting: (dice) => {
    const [any, small, whole] = [dice.double(), dice.near(1e9), dice.word()]
    const texts = [
      String(any),
      small.toFixed(whole % 20),
      small.toPrecision(1 + (whole % 21)),
      any.toExponential(whole % 20)
    ]
    return [...texts, whole.toString(2 + (whole % 35)), JSON.stringify({ b: any, a: [small, null, 'é\u2028"'] })].join()
  },
  parsing: (dice) => {
    const text = `${dice.word()}.${dice.word()}e${(dice.word() % 640) - 320}`
    const hex = dice.word().toString(16)
    return [Number(text), Number.parseFloat(`${text}x`), Number(`0x${hex}`), Number.parseInt(hex, 16)].map(bits).join()
  },
  sorting: (dice) => {
    const list = Array.from({ length: 40 }, (_, at) => ({ at, key: dice.word() % 7, text: textOf(dice, 3) }))
    const stable = [...list].sort((a, b) => a.key - b.key).map(({ at }) => at)
    const units = list.map(({ text }) => text).sort()
    const numbers = list.map(({ key }) => key * 3 - 9).sort()
    return [stable, units, numbers, Object.keys({ z: 1, 10: 1, a: 1, 9: 1, [textOf(dice, 2)]: 1 })].join()
  },
  expressions: (dice) => {
    const text = textOf(dice, 24)
    const found = [/(?<head>\p{Lu}+)\P{Lu}/gu, /(?<=[a-z])\d+|\s/g, /^(?:(\w)|(.))*?\b/s, /[^\p{ASCII}]+/giu, /(.)\1/u]
    const parts = found.map((one) => JSON.stringify(text.match(one)))
    return [...parts, text.replace(/(\p{L})(\d)/gu, '$2<$1>'), text.split(/[\s,.]+/u).length].join()
  },
  letters: (dice) => {
    const text = textOf(dice, 12)
    const forms = ['NFC', 'NFD', 'NFKC', 'NFKD'].map((form) => text.normalize(form))
    return [text.toUpperCase(), text.toLowerCase(), ...forms, [...text].length, encodeURIComponent(text)].join()
  },
  functions: (dice) => {
    const [a, b] = [dice.near(30), dice.near(1)]
    const [x, any] = [Math.abs(a), dice.double()]
    const { sin, cos, tan, exp, expm1, log, log1p, log2, log10, pow, atan2, hypot, cbrt } = math
    const { asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh } = math
    const of = [sin(a), cos(any), tan(a), exp(a), expm1(b), log(x), log1p(x), log2(x), log10(x), pow(x, b), atan2(a, b)]
    return [
      ...of,
      hypot(a, b),
      cbrt(any),
      asin(b),
      acos(b),
      atan(a),
      sinh(a),
      cosh(a),
      tanh(b),
      asinh(a),
      acosh(x + 1),
      atanh(b)
    ]
      .map(bits)
      .join()
  }
}

/** SHA-256 of the cases of each kind, as Node 24.21 (V8 13.6, ICU 78) computes them; Node 20.20 (V8 11.3) computes the same. */
const GOLDEN: Readonly<Record<string, string>> = {
  arithmetic: 'f52c5d61f0c8f2ab90190c9803c3c0be9cec9c50afec2aa8adff708aa45f9ab2',
  integers: '2d7fe89974a27a4c802a9faa7d6ce74af0e09fde08217405caf0423b009c5ead',
  formatting: '16f3df1b4c5447715bc4ec22cc25e4269c8f4f06fbe5b19543380a0c3977ae98',
  parsing: '25107c1b6fc2de7db9ec82a84a7c7da2229fc9a37bda1e13405d64a96f6c8e48',
  sorting: '89255845dcc17658d17b4bad92bf0790cf9620d71308a92e07984ff4b54bd49d',
  expressions: '59b114b4df0f374122edd12031a83a2b3bef4e648b648769ffcf540ef08ae8c4',
  letters: '891b5b0f8d6199460d09a27e12d91fa5a33f561f3602120ce0f90f3fe1a96279',
  functions: 'ac769198dc91f5470eec4d2d4d38521f3417643cfcceae4c561e747e9323521d'
}

/** The hash of each kind as this engine computes it. Takes some 100 ms. */
export function goldenHashes(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(KINDS).map(([kind, one], number) => [kind, hashOf(one, number)]))
}

/** Kinds of computation in which this engine differs; empty for one that can replicate. */
export function goldenFaults(): readonly string[] {
  const found = goldenHashes()
  return Object.keys(KINDS).filter((kind) => found[kind] !== GOLDEN[kind])
}

let known: readonly string[] | undefined

/** @throws ReplicaError ENGINE where this process cannot take part in any replicated actor */
export function requireGolden(): void {
  known ??= goldenFaults()
  if (known.length === 0) return
  const message = `this engine (V8 ${process.versions.v8}) differs in ${known.join(', ')}: run the group's Node version`
  throw new ReplicaError('BRUME_RUNTIME_ENGINE', message)
}

function hashOf(one: Case, kind: number): string {
  const lines = Array.from({ length: CASES }, (_, number) => one(diceOf(kind, number)))
  return toHex(sha256(Buffer.from(lines.join('\n'))))
}

function diceOf(kind: number, number: number): Dice {
  let [counter, at] = [0, 8]
  let block = Buffer.alloc(0)
  const word = (): number => {
    if (at === 8) {
      block = Buffer.from(sha256(new Writer(12).u32(kind).u32(number).u32(counter).finish()))
      counter += 1
      at = 0
    }
    at += 1
    return block.readUInt32BE(4 * (at - 1))
  }
  const fraction = () => (word() / 4294967296) * 2 - 1
  const double = (): number => {
    const made = Buffer.alloc(8)
    made.writeUInt32BE(word(), 0)
    made.writeUInt32BE(word(), 4)
    const value = made.readDoubleBE()
    return Number.isFinite(value) ? value : fraction()
  }
  return { word, double, near: (size) => fraction() * size }
}

/** Ranges of letters with cases, marks, digits and signs that have long been in Unicode. */
const RANGES = [
  [0x20, 0x7e],
  [0xa1, 0x17f],
  [0x1c4, 0x233],
  [0x300, 0x36f],
  [0x386, 0x3ce],
  [0x400, 0x52f],
  [0x531, 0x556],
  [0x561, 0x587],
  [0x10d0, 0x10fa],
  [0x13a0, 0x13f5],
  [0x1e00, 0x1eff],
  [0x1f80, 0x1faf],
  [0x2160, 0x2188],
  [0x3041, 0x3096],
  [0xac00, 0xac80],
  [0xfb00, 0xfb06],
  [0xff21, 0xff5a],
  [0x10400, 0x1044f]
] as const

function textOf(dice: Dice, length: number): string {
  const points = Array.from({ length }, () => {
    const [from, to] = RANGES[dice.word() % RANGES.length] ?? [0x61, 0x7a]
    return from + (dice.word() % (to - from + 1))
  })
  return String.fromCodePoint(...points)
}

/** NaN has many bits and one meaning. */
function bits(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes.toString('hex')
}
