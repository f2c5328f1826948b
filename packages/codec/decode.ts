import { type Token, Tokenizer, Type } from 'cborg'
import { CodecError } from './error.ts'
import { type CborValue, DEPTH_LIMIT, FORBIDDEN_KEY } from './value.ts'

/** Bounds on what is decoded, checked before memory is taken. */
export interface DecodeLimits {
  readonly bytesMax: number
  /** Arrays and maps inside one another; default 16, at most 64. */
  readonly depthMax?: number
  /** Data items of all kinds, a map entry being two; default 4,096. */
  readonly itemsMax?: number
  /** Floats of 8 bytes that no integer says. Default false: user data has them, what is signed has not. */
  readonly floats?: boolean
  /** Maps with text keys only become objects with a prototype. Default false. For readers that copy them: it is faster. */
  readonly prototypes?: boolean
}

/** Deeper than every message in use; each level is one recursion. */
const DEPTH_MAX_DEFAULT = 16
/** Bounds work and memory per frame: an item costs at most some 100 bytes of heap. */
const ITEMS_MAX_DEFAULT = 4_096

const STRICT = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false
}

const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII as a whole
const ASCII = /^[\x00-\x7f]*$/

/**
 * Decodes exactly one item. Accepts a byte string only if `encode` of the answer gives it back.
 * Byte strings are copies; maps with text keys only are null-prototype objects, others `Map`s.
 * Throws `CodecError`: over a limit, malformed, not canonical, or of a type brume does not use.
 */
export function decode(bytes: Uint8Array, limits: DecodeLimits): CborValue {
  if (bytes.length > limits.bytesMax) {
    throw new CodecError('BRUME_CODEC_TOO_LARGE', `${bytes.length} bytes where at most ${limits.bytesMax} are taken`)
  }
  const decoder = new Decoder(bytes, limits)
  const value = decoder.item(0)
  decoder.end()
  return value
}

/** cborg reads the tokens; building the values here bounds them and keeps prototypes out. */
class Decoder {
  readonly #bytes: Uint8Array
  readonly #tokens: Tokenizer
  readonly #depthMax: number
  readonly #floats: boolean
  readonly #prototypes: boolean
  #itemsLeft: number

  constructor(bytes: Uint8Array, limits: DecodeLimits) {
    // A Buffer's slice() is a view; cborg's copies of byte strings need the plain class.
    this.#bytes = Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes
    this.#tokens = new Tokenizer(this.#bytes, STRICT)
    this.#depthMax = Math.min(limits.depthMax ?? DEPTH_MAX_DEFAULT, DEPTH_LIMIT)
    this.#floats = limits.floats ?? false
    this.#prototypes = limits.prototypes ?? false
    this.#itemsLeft = limits.itemsMax ?? ITEMS_MAX_DEFAULT
    this.#reserve(1)
  }

  /** One item; the caller has reserved it. */
  item(depth: number): CborValue {
    const start = this.#tokens.pos()
    const token = this.#token()
    if (token.type === Type.array) return this.#array(token.value, depth + 1)
    if (token.type === Type.map) return this.#map(token.value, depth + 1)
    if (token.type === Type.string) return this.#text(start, token)
    if (token.type === Type.float && this.#floats) return this.#float(start, token.value)
    if (token.type === Type.float || token.type === Type.tag || token.type === Type.break || !token.type.terminal) {
      throw new CodecError('BRUME_CODEC_UNSUPPORTED', `${token.type.name} at byte ${start} is not used here`)
    }
    return token.value
  }

  end(): void {
    if (!this.#tokens.done()) {
      const left = this.#bytes.length - this.#tokens.pos()
      throw new CodecError('BRUME_CODEC_TRAILING', `${left} bytes after the end of the item`)
    }
  }

  #token(): Token {
    if (this.#tokens.done()) throw new CodecError('BRUME_CODEC_SHORT', 'the bytes end before the item does')
    try {
      return this.#tokens.next()
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const code = reason.includes('strict decode') ? 'BRUME_CODEC_NOT_CANONICAL' : 'BRUME_CODEC_MALFORMED'
      throw new CodecError(code, `at byte ${this.#tokens.pos()}: ${reason}`, { cause })
    }
  }

  /** Every item is at least one byte, so a count above the bytes that are left is a lie, and costs nothing. */
  #reserve(items: number): void {
    if (items > this.#itemsLeft) throw new CodecError('BRUME_CODEC_TOO_MANY_ITEMS', 'more items than the limit allows')
    if (items > this.#bytes.length - this.#tokens.pos()) {
      throw new CodecError('BRUME_CODEC_SHORT', `${items} items announced, and not as many bytes left`)
    }
    this.#itemsLeft -= items
  }

  #descend(depth: number, items: number): void {
    if (depth > this.#depthMax) throw new CodecError('BRUME_CODEC_TOO_DEEP', `nested deeper than ${this.#depthMax}`)
    this.#reserve(items)
  }

  #array(length: number, depth: number): CborValue {
    this.#descend(depth, length)
    const items: CborValue[] = []
    for (let i = 0; i < length; i++) items.push(this.item(depth))
    return items
  }

  #map(length: number, depth: number): CborValue {
    this.#descend(depth, 2 * length)
    if (length > 0 && (this.#bytes[this.#tokens.pos()] ?? 0) < TEXT) return this.#entries(length, depth)
    const object: { [key: string]: CborValue } = this.#prototypes ? {} : Object.create(null)
    let previous = -1
    for (let i = 0; i < length; i++) {
      const start = this.#tokens.pos()
      const key = this.#key(depth, previous)
      object[key] = this.item(depth)
      previous = start
    }
    return object
  }

  /** Integers come before text: the first key says what becomes of the map. */
  #entries(length: number, depth: number): ReadonlyMap<number | string, CborValue> {
    const map = new Map<number | string, CborValue>()
    let previous = -1
    for (let i = 0; i < length; i++) {
      const start = this.#tokens.pos()
      map.set(this.#key(depth, previous), this.item(depth))
      previous = start
    }
    return map
  }

  /** @param previous - where the key before begins; -1: it is the first */
  #key(depth: number, previous: number): number | string {
    const start = this.#tokens.pos()
    const key = this.item(depth)
    if ((typeof key !== 'string' && !Number.isSafeInteger(key)) || key === FORBIDDEN_KEY) {
      throw new CodecError('BRUME_CODEC_UNSUPPORTED', `map key at byte ${start} is neither an integer nor allowed text`)
    }
    if (previous !== -1 && !this.#isAfter(previous, start)) {
      throw new CodecError('BRUME_CODEC_NOT_CANONICAL', `map key at byte ${start} is repeated or out of order`)
    }
    return key as number | string
  }

  /**
   * Does the key that begins at `start` and was just read come behind the one at `previous`? Their heads say how long
   * they are, so none is the beginning of the other.
   */
  #isAfter(previous: number, start: number): boolean {
    const length = this.#tokens.pos() - start
    for (let i = 0; i < length; i++) {
      const difference = (this.#bytes[start + i] ?? 0) - (this.#bytes[previous + i] ?? 0)
      if (difference !== 0) return difference > 0
    }
    return false
  }

  #float(start: number, value: number): number {
    if (this.#tokens.pos() - start === FLOAT_BYTES && !Number.isSafeInteger(value)) return value
    throw new CodecError('BRUME_CODEC_NOT_CANONICAL', `the number at byte ${start} is an integer or not in 8 bytes`)
  }

  /** cborg replaces broken UTF-8 and drops a leading byte order mark; both would not encode back. */
  #text(start: number, token: Token): string {
    const text: string = token.value
    const from = start + headBytes(this.#bytes[start] ?? 0)
    const to = this.#tokens.pos()
    if (text.length === to - from && ASCII.test(text)) return text
    try {
      return utf8Decoder.decode(this.#bytes.subarray(from, to))
    } catch (cause) {
      throw new CodecError('BRUME_CODEC_MALFORMED', `text at byte ${start} is not UTF-8`, { cause })
    }
  }
}

/** First bytes of text, arrays, maps and all else that is no integer and no byte string are not below this. */
const TEXT = 0x60
/** Head and 64 bits. */
const FLOAT_BYTES = 9

/** Bytes of an item's head, by its first byte's low five bits: 0-23, then 1, 2, 4, 8 more. */
function headBytes(first: number): number {
  const additional = first & 31
  return additional < 24 ? 1 : 1 + 2 ** (additional - 24)
}
