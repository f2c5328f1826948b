import { createHash } from 'node:crypto'

/** time f64, node u8, kind u8, digest u32 */
const RECORD_BYTES = 14
/** Hashing record by record would cost as much as the run. */
const RECORDS_PER_BLOCK = 512

/** A SHA-256 chain over what happened in a run: equal hashes, equal runs. */
export class LogHash {
  readonly #hash = createHash('sha256').update('brume/sim-log/1')
  readonly #block = Buffer.alloc(RECORD_BYTES * RECORDS_PER_BLOCK)
  #used = 0

  add(atUs: number, node: number, kind: number, digest: number): void {
    const at = this.#used
    this.#block.writeDoubleBE(atUs, at)
    this.#block[at + 8] = node
    this.#block[at + 9] = kind
    this.#block.writeUInt32BE(digest >>> 0, at + 10)
    this.#used = at + RECORD_BYTES
    if (this.#used < this.#block.length) return
    this.#hash.update(this.#block)
    this.#used = 0
  }

  digest(): Uint8Array {
    return this.#hash.copy().update(this.#block.subarray(0, this.#used)).digest()
  }
}

/** Mixes a number into a 32-bit digest (the finalizer of MurmurHash3, one round). */
export function mix(digest: number, value: number): number {
  let h = digest ^ (Math.imul(value | 0, 0xcc9e2d51) ^ Math.imul(Math.floor(value / 4_294_967_296), 0x1b873593))
  h = (h << 13) | (h >>> 19)
  return (Math.imul(h, 5) + 0xe6546b64) | 0
}

/** Mixes the start of a hex digest: eight of its digits. */
export function mixHex(digest: number, hex: string): number {
  return hex.length === 0 ? mix(digest, 1) : mix(digest, Number.parseInt(hex.slice(0, 8), 16))
}

/** Mixes the end of a byte string: of a signature or key any four bytes tell it apart. */
export function mixBytes(digest: number, bytes: Uint8Array): number {
  const { length } = bytes
  const last =
    ((bytes[length - 1] ?? 0) << 24) |
    ((bytes[length - 2] ?? 0) << 16) |
    ((bytes[length - 3] ?? 0) << 8) |
    (bytes[length - 4] ?? 0)
  return mix(mix(digest, length), last)
}
