import { compare, utf8 } from './bytes.ts'
import { assertDepth, assertPlain, assertText, type CborValue, FORBIDDEN_KEY, refuse } from './value.ts'

export interface EncodeOptions {
  /** Finite numbers beyond the safe integers too, always in 8 bytes as DAG-CBOR has them. Default false. */
  readonly floats?: boolean
}

/**
 * Canonical CBOR (RFC 8949 4.2.1): shortest heads, definite lengths, map keys in bytewise order of
 * their encodings. Negative zero is written as 0. Throws `CodecError` for anything but a `CborValue`.
 */
export function encode(value: CborValue, { floats = false }: EncodeOptions = NO_OPTIONS): Uint8Array {
  const encoder = spare ?? new Encoder()
  // A getter of the value may encode, too.
  spare = undefined
  const bytes = encoder.encode(value, floats)
  spare = encoder.isSmall ? encoder : undefined
  return bytes
}

const NO_OPTIONS: EncodeOptions = {}
/** Its memory serves one call after the other. */
let spare: Encoder | undefined

/** Most messages fit. */
const ROOM_BYTES = 1_024
/** What is kept between calls. */
const SPARE_BYTES_MAX = 1_048_576
/** Head of the longest form. */
const HEAD_BYTES_MAX = 9
/** Longer text is left to the engine, whose call costs as much as some 30 characters do here. */
const SHORT_TEXT = 32

/** First bytes: major types in their upper three bits. */
const UINT = 0x00
const NEGATIVE = 0x20
const BYTES = 0x40
const TEXT = 0x60
const ARRAY = 0x80
const MAP = 0xa0
const FALSE = 0xf4
const TRUE = 0xf5
const NULL = 0xf6
const FLOAT = 0xfb

class Encoder {
  #bytes = new Uint8Array(ROOM_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #at = 0
  #floats = false

  get isSmall(): boolean {
    return this.#bytes.length <= SPARE_BYTES_MAX
  }

  encode(value: unknown, floats: boolean): Uint8Array {
    this.#at = 0
    this.#floats = floats
    this.#item(value, 0)
    return this.#bytes.slice(0, this.#at)
  }

  #item(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'number':
        return this.#number(value)
      case 'boolean':
        return this.#head(value ? TRUE : FALSE, 0)
      case 'object':
        return value === null ? this.#head(NULL, 0) : this.#object(value, depth)
      default:
        return refuse(typeof value)
    }
  }

  #object(value: object, depth: number): void {
    if (value instanceof Uint8Array) return this.#byteString(value)
    assertDepth(depth)
    if (Array.isArray(value)) return this.#array(value, depth + 1)
    if (value instanceof Map) return this.#map(value, depth + 1)
    assertPlain(value)
    this.#record(value as Readonly<Record<string, unknown>>, depth + 1)
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value)) return value < 0 ? this.#head(NEGATIVE, -1 - value) : this.#head(UINT, value)
    if (!this.#floats) return refuse(`the number ${value}: only integers within +-(2^53-1)`)
    if (!Number.isFinite(value)) return refuse(`the number ${value}: only finite ones`)
    this.#reserve(HEAD_BYTES_MAX)
    this.#bytes[this.#at] = FLOAT
    this.#view.setFloat64(this.#at + 1, value)
    this.#at += HEAD_BYTES_MAX
  }

  #byteString(value: Uint8Array): void {
    this.#head(BYTES, value.length)
    this.#reserve(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  #text(text: string): void {
    if (text.length <= SHORT_TEXT && this.#ascii(text)) return
    assertText(text)
    const encoded = utf8(text)
    this.#head(TEXT, encoded.length)
    this.#reserve(encoded.length)
    this.#bytes.set(encoded, this.#at)
    this.#at += encoded.length
  }

  /** False, and nothing written, where a character takes more than one byte. */
  #ascii(text: string): boolean {
    const { length } = text
    const start = this.#at
    this.#head(TEXT, length)
    this.#reserve(length)
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index)
      if (unit > 0x7f) {
        this.#at = start
        return false
      }
      this.#bytes[this.#at + index] = unit
    }
    this.#at += length
    return true
  }

  #array(items: readonly unknown[], depth: number): void {
    this.#head(ARRAY, items.length)
    for (let index = 0; index < items.length; index++) this.#item(items[index], depth)
  }

  #record(record: Readonly<Record<string, unknown>>, depth: number): void {
    const keys = Object.keys(record)
    if (keys.length > 1) keys.sort(compareText)
    this.#head(MAP, keys.length)
    for (const key of keys) {
      this.#key(key)
      this.#item(record[key], depth)
    }
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    const keys = [...map.keys()].map(asKey).sort(compareKeys)
    this.#head(MAP, keys.length)
    for (const key of keys) {
      if (typeof key === 'number') this.#number(key)
      else this.#key(key)
      this.#item(map.get(key), depth)
    }
  }

  #key(key: string): void {
    if (key === FORBIDDEN_KEY) refuse(`the key ${FORBIDDEN_KEY}`)
    this.#text(key)
  }

  /** @param first - major type, or a whole item; @param value - safe and not negative */
  #head(first: number, value: number): void {
    this.#reserve(HEAD_BYTES_MAX)
    const at = this.#at
    if (value < 24) {
      this.#bytes[at] = first | value
      this.#at = at + 1
    } else if (value <= 0xff) {
      this.#bytes[at] = first | 24
      this.#bytes[at + 1] = value
      this.#at = at + 2
    } else this.#longHead(first, value)
  }

  #longHead(first: number, value: number): void {
    const at = this.#at
    if (value <= 0xffff) {
      this.#bytes[at] = first | 25
      this.#view.setUint16(at + 1, value)
      this.#at = at + 3
    } else if (value <= 0xffff_ffff) {
      this.#bytes[at] = first | 26
      this.#view.setUint32(at + 1, value)
      this.#at = at + 5
    } else {
      this.#bytes[at] = first | 27
      this.#view.setUint32(at + 1, Math.floor(value / 2 ** 32))
      this.#view.setUint32(at + 5, value % 2 ** 32)
      this.#at = at + 9
    }
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
    grown.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

function asKey(key: unknown): number | string {
  if (typeof key === 'string') return key
  if (typeof key !== 'number') return refuse(`a map key of type ${typeof key}`)
  if (!Number.isSafeInteger(key)) return refuse(`the number ${key}: only integers within +-(2^53-1)`)
  return key
}

/** By their encodings: integers from 0 up, then those below 0 from -1 down, then text. */
function compareKeys(a: number | string, b: number | string): number {
  if (typeof a === 'string') return typeof b === 'string' ? compareText(a, b) : 1
  if (typeof b === 'string') return -1
  if (a < 0 !== b < 0) return a < 0 ? 1 : -1
  return a < 0 ? b - a : a - b
}

/** By their encodings: length in bytes, then bytes. */
function compareText(a: string, b: string): number {
  if (!isAscii(a) || !isAscii(b)) {
    const [left, right] = [utf8(a), utf8(b)]
    return left.length - right.length || compare(left, right)
  }
  return a.length - b.length || (a < b ? -1 : 1)
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false
  return true
}
