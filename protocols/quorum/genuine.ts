import { toHex } from '@brume/codec'
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, sha256, verify } from '@brume/crypto'

/** Certificates of some dozens of blocks, each in the hands of a hundred members; 1 MiB. */
const KNOWN_MAX = 8_192

/**
 * Signatures that were found genuine. A client is shown the same certificates by several members, and the finality of a
 * block again with what came of it: a hash of a few microseconds then stands for a check of a hundred.
 */
export class Genuine {
  readonly #known = new Set<string>()

  check(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    // Of fixed lengths, so that no part of one is taken for a part of another.
    if (key.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
    const name = toHex(sha256(key, signature, message))
    if (this.#known.has(name)) return true
    if (!verify(key, message, signature)) return false
    this.#known.add(name)
    if (this.#known.size > KNOWN_MAX) for (const oldest of this.#known.values().take(1)) this.#known.delete(oldest)
    return true
  }
}
