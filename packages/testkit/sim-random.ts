import { createHash } from 'node:crypto'
import type { Random } from '@brume/ports'

export const SEED_BYTES = 16
const DOMAIN = 'brume/sim-stream/1'

const rotateLeft = (value: number, by: number): number => (value << by) | (value >>> (32 - by))

/**
 * A deterministic stream of randomness: xoshiro128** by Blackman and Vigna, state from the first 16
 * bytes of SHA-256('brume/sim-stream/1' | seed | name), words little-endian. Streams of other names
 * are independent, so a draw more in one leaves the others as they were. Not for secrets.
 */
export class SimRandom implements Random {
  readonly #seed: Uint8Array
  readonly #state = new Uint32Array(4)

  /** `seed`: 16 bytes. */
  constructor(seed: Uint8Array, name: string) {
    if (seed.length !== SEED_BYTES) throw new RangeError(`a seed is ${SEED_BYTES} bytes, not ${seed.length}`)
    this.#seed = seed.slice()
    const digest = createHash('sha256').update(DOMAIN).update(seed).update(name).digest()
    for (let word = 0; word < 4; word += 1) this.#state[word] = digest.readUInt32LE(word * 4)
    // The one state from which the generator never leaves; a digest hits it with probability 2^-128.
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1
  }

  /** The stream of another name from the same seed. */
  stream(name: string): SimRandom {
    return new SimRandom(this.#seed, name)
  }

  /** Uniform in 0..2^32-1. */
  u32(): number {
    const state = this.#state
    const [a = 0, b = 0, c = 0, d = 0] = state
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0
    const c1 = c ^ a
    const d1 = d ^ b
    state[1] = b ^ c1
    state[0] = a ^ d1
    state[2] = c1 ^ (b << 9)
    state[3] = rotateLeft(d1, 11)
    return result
  }

  float(): number {
    return ((this.u32() >>> 5) * 67_108_864 + (this.u32() >>> 6)) / 9_007_199_254_740_992
  }

  /** Uniform integer in 0..limit-1, for a limit up to 2^32, without the bias of a remainder. */
  below(limit: number): number {
    const top = 4_294_967_296 - (4_294_967_296 % limit)
    for (;;) {
      const word = this.u32()
      if (word < top) return word % limit
    }
  }

  /** True in `share` of all draws, share in 0..1. */
  chance(share: number): boolean {
    return this.float() < share
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += 4) {
      const word = this.u32()
      for (let byte = 0; byte < 4 && at + byte < length; byte += 1) bytes[at + byte] = word >>> (8 * byte)
    }
    return bytes
  }
}

/** A seed from its 32 hex digits, as failures print it. */
export function seedFromHex(hex: string): Uint8Array {
  if (!/^[0-9a-f]{32}$/.test(hex)) throw new RangeError('a seed is 32 lower-case hex digits')
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}
