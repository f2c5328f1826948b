import { hash } from 'node:crypto'

const DOMAIN = Buffer.from('brume/sim-sig/1')

/** A key pair of a simulation: signs, and shows its public half. */
export interface SimKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array
}

/**
 * Signatures at a hundredth of Ed25519's price: SHA-256('brume/sim-sig/1' | secret | message), twice
 * over. Who verifies looks the secret up by public key in this registry, which the code under test
 * cannot reach; so nobody there can forge. Worthless outside of a simulation.
 */
export class SimSigner {
  readonly #secrets = new Map<string, Uint8Array>()

  /** `secret`: 32 bytes; the same secret gives the same key. */
  key(secret: Uint8Array): SimKey {
    const publicKey = hash('sha256', secret, 'buffer')
    this.#secrets.set(publicKey.toString('latin1'), secret)
    return { publicKey: new Uint8Array(publicKey), sign: (message) => signatureOf(secret, message) }
  }

  /** False for a key that is none of this registry's. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    const secret = this.#secrets.get(Buffer.from(publicKey).toString('latin1'))
    return secret !== undefined && Buffer.compare(signatureOf(secret, message), signature) === 0
  }
}

function signatureOf(secret: Uint8Array, message: Uint8Array): Uint8Array {
  const half = hash('sha256', Buffer.concat([DOMAIN, secret, message]), 'buffer')
  const signature = new Uint8Array(64)
  signature.set(half)
  signature.set(half, 32)
  return signature
}
