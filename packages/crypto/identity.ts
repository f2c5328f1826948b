import { createPrivateKey, createPublicKey, hkdfSync, sign as nodeSign } from 'node:crypto'
import { concat, fromHex } from '@brume/codec'
import { CryptoError } from './error.ts'
import { peerIdFromKey } from './peer-id.ts'

const SEED_BYTES = 32

/** PKCS #8 of an Ed25519 key up to the seed itself (RFC 8410 section 7). */
const PKCS8_PREFIX = fromHex('302e020100300506032b657004220420')

/** A peer's own key pair. `seed` is the secret: it goes into the identity file and nowhere else. */
export interface Identity {
  readonly publicKey: Uint8Array
  readonly peerId: string
  readonly seed: Uint8Array
  /** Ed25519 (RFC 8032), 64 bytes, the same for the same message. About 0.05 ms. */
  sign(message: Uint8Array): Uint8Array
}

/** The Ed25519 identity of a 32-byte seed. Throws `CryptoError` for another length. */
export function identityFromSeed(seed: Uint8Array): Identity {
  assertSeed(seed)
  const own = seed.slice()
  const key = createPrivateKey({ key: Buffer.from(concat(PKCS8_PREFIX, own)), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const publicKey = new Uint8Array(spki.subarray(spki.length - 32))
  return Object.freeze({
    publicKey,
    peerId: peerIdFromKey(publicKey),
    seed: own,
    sign: (message: Uint8Array) => new Uint8Array(nodeSign(null, message, key))
  })
}

/** HKDF-SHA256 (RFC 5869) without salt, 32 bytes: a secret of its own for each `info`. */
export function deriveSeed(seed: Uint8Array, info: string): Uint8Array {
  assertSeed(seed)
  return new Uint8Array(hkdfSync('sha256', seed, '', info, SEED_BYTES))
}

function assertSeed(seed: Uint8Array): void {
  if (seed.length !== SEED_BYTES) {
    throw new CryptoError('BRUME_CRYPTO_SEED_SIZE', `a seed is ${SEED_BYTES} bytes, not ${seed.length}`)
  }
}
