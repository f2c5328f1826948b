import { createPublicKey, type KeyObject, verify as nodeVerify } from 'node:crypto'
import { concat, fromHex } from '@brume/codec'

export const PUBLIC_KEY_BYTES = 32
export const SIGNATURE_BYTES = 64

/** Importing a key costs more than half a verification; a KeyObject is some 500 bytes, so all take 2 MiB. */
const KEYS_CACHED_MAX = 4_096

/** SubjectPublicKeyInfo of an Ed25519 key up to the key itself (RFC 8410 section 4). */
const SPKI_PREFIX = fromHex('302a300506032b6570032100')

/** Least recently used first: a Map iterates in order of insertion. */
const keys = new Map<string, KeyObject>()

/**
 * Ed25519 by OpenSSL's rule: cofactorless, s below the group order, R compared as bytes. False for
 * a wrong signature and for anything of the wrong size; never throws. About 0.1 ms.
 */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!sizesFit(publicKey, signature)) return false
  try {
    return nodeVerify(null, message, keyObject(publicKey), signature)
  } catch {
    return false
  }
}

/**
 * As `verify`, on libuv's thread pool: the event loop is free meanwhile, at some 20 µs more. The bytes
 * must not change before the promise settles.
 */
export function verifyAsync(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (!sizesFit(publicKey, signature)) return Promise.resolve(false)
  return new Promise((resolve) => {
    try {
      nodeVerify(null, message, keyObject(publicKey), signature, (error, valid) => resolve(!error && valid))
    } catch {
      resolve(false)
    }
  })
}

/** Imports keys ahead of their first verification, which then costs what every other does. About 0.03 ms each. */
export function importKeys(publicKeys: Iterable<Uint8Array>): void {
  for (const key of publicKeys) if (key.length === PUBLIC_KEY_BYTES) keyObject(key)
}

function sizesFit(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return publicKey.length === PUBLIC_KEY_BYTES && signature.length === SIGNATURE_BYTES
}

function keyObject(publicKey: Uint8Array): KeyObject {
  const name = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.length).toString('latin1')
  const known = keys.get(name)
  if (known) {
    keys.delete(name)
    keys.set(name, known)
    return known
  }
  const key = createPublicKey({ key: Buffer.from(concat(SPKI_PREFIX, publicKey)), format: 'der', type: 'spki' })
  if (keys.size >= KEYS_CACHED_MAX) {
    for (const oldest of keys.keys()) {
      keys.delete(oldest)
      break
    }
  }
  keys.set(name, key)
  return key
}
