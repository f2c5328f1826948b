import { CodecError } from './error.ts'

/** Reads fixed big-endian layouts from the front. Every call throws `CodecError` when the bytes are short. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2))
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4))
  }

  /** Above 2^53-1 malformed: no counter of brume's gets there, and a double could not hold it. */
  u64(): number {
    const at = this.#advance(8)
    const value = this.#view.getUint32(at) * 2 ** 32 + this.#view.getUint32(at + 4)
    if (value > Number.MAX_SAFE_INTEGER) throw new CodecError('BRUME_CODEC_RANGE', 'a u64 above 2^53-1')
    return value
  }

  /** The next `length` bytes as a view: copy what outlives the input. */
  bytes(length: number): Uint8Array {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new CodecError('BRUME_CODEC_RANGE', `cannot read ${length} bytes`)
    }
    const at = this.#advance(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** All that is left, as a view. */
  rest(): Uint8Array {
    return this.bytes(this.remaining)
  }

  /** Throws `CodecError` if bytes remain. */
  end(): void {
    if (this.remaining > 0) throw new CodecError('BRUME_CODEC_TRAILING', `${this.remaining} bytes after the end`)
  }

  #advance(length: number): number {
    if (length > this.remaining) {
      throw new CodecError('BRUME_CODEC_SHORT', `${length} bytes needed, ${this.remaining} left`)
    }
    const at = this.#offset
    this.#offset += length
    return at
  }
}
