import { Writer } from '@brume/codec'
import { sha256 } from '@brume/crypto'

/**
 * Randomness as data, so that a step is a function of state and event: SHA-256 of a secret 32-byte
 * seed, fresh at each start, and a counter.
 */
export interface Entropy {
  readonly seed: Uint8Array
  readonly draws: number
}

/** 32 unpredictable bytes and the entropy after them. */
export function draw(entropy: Entropy): readonly [Uint8Array, Entropy] {
  const bytes = sha256(entropy.seed, new Writer(8).u64(entropy.draws).finish())
  return [bytes, { seed: entropy.seed, draws: entropy.draws + 1 }]
}

/** Uniform in [0, 1) from the first 6 bytes. */
export function fraction(bytes: Uint8Array): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUIntBE(0, 6) / 2 ** 48
}
