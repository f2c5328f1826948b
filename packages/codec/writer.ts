import { CodecError } from './error.ts'

/** Enough for a vote or a header without growing. */
const CAPACITY_DEFAULT = 256

/** Writes fixed big-endian layouts. Numbers that do not fit throw `CodecError`. */
export class Writer {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  constructor(initialCapacity: number = CAPACITY_DEFAULT) {
    this.#bytes = new Uint8Array(Math.max(initialCapacity, 8))
    this.#view = new DataView(this.#bytes.buffer)
  }

  u8(value: number): this {
    const at = this.#advance(1, value, 0xff)
    this.#view.setUint8(at, value)
    return this
  }

  u16(value: number): this {
    const at = this.#advance(2, value, 0xffff)
    this.#view.setUint16(at, value)
    return this
  }

  u32(value: number): this {
    const at = this.#advance(4, value, 0xffff_ffff)
    this.#view.setUint32(at, value)
    return this
  }

  /** At most 2^53-1, as `Reader` demands. */
  u64(value: number): this {
    const at = this.#advance(8, value, Number.MAX_SAFE_INTEGER)
    this.#view.setUint32(at, Math.floor(value / 2 ** 32))
    this.#view.setUint32(at + 4, value % 2 ** 32)
    return this
  }

  bytes(part: Uint8Array): this {
    const at = this.#advance(part.length)
    this.#bytes.set(part, at)
    return this
  }

  /** What was written, in memory of its own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #advance(length: number, value = 0, max = 0): number {
    if (!Number.isSafeInteger(value) || value < 0 || value > max) {
      throw new CodecError('BRUME_CODEC_RANGE', `${value} does not fit an unsigned integer of ${length} bytes`)
    }
    const at = this.#length
    this.#length += length
    if (this.#length > this.#bytes.length) this.#grow()
    return at
  }

  #grow(): void {
    const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length))
    grown.set(this.#bytes)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}
