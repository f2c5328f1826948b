import { crc32 } from 'node:zlib'
import { encode } from '@brume/codec'

/**
 * What the parts of a stored record add up to, written with each change of them: a database that lost some of them,
 * or gives them as they were before, does not. It finds accidents, one in four billion aside, and no forger.
 */
export class RecordSum {
  readonly #parts = new Map<string, number>()
  #xor = 0

  put(name: string, value: Uint8Array): void {
    this.delete(name)
    const part = crc32(value, crc32(name))
    this.#parts.set(name, part)
    this.#xor ^= part
  }

  delete(name: string): void {
    this.#xor ^= this.#parts.get(name) ?? 0
    this.#parts.delete(name)
  }

  clear(): void {
    this.#parts.clear()
    this.#xor = 0
  }

  /** As it is stored, with the height of the block that made the record so. */
  encode(height: number): Uint8Array {
    return encode([height, this.#parts.size, this.#xor >>> 0])
  }
}
