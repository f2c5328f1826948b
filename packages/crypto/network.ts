import { encode, toHex, utf8 } from '@brume/codec'
import { DOMAIN } from './domain.ts'
import { CryptoError } from './error.ts'
import { hash, sha256 } from './hash.ts'

/** What makes two networks different; all peers of one agree on every field. */
export interface NetworkParams {
  /** At most 32 bytes of UTF-8. */
  readonly name: string
  /** 0 open, 1 and 2 as membership defines them. */
  readonly admission: number
  readonly epochSeconds: number
  /** Bit 0 drand, bit 1 quorum; 0: no beacon. */
  readonly beaconMask: number
  /** 16 bytes that make a private network's id unguessable. */
  readonly salt16: Uint8Array
}

/** The open network that `brume up` joins without configuration. */
export const DEFAULT_NETWORK: NetworkParams = Object.freeze({
  name: 'brume',
  admission: 0,
  epochSeconds: 3_600,
  beaconMask: 0,
  salt16: new Uint8Array(16)
})

const NAME_BYTES_MAX = 32
const SALT_BYTES = 16

/** The network's id, 32 bytes: in every signed record. Throws `CryptoError` for parameters out of bounds. */
export function networkId(params: NetworkParams): Uint8Array {
  const { name, admission, epochSeconds, beaconMask, salt16 } = params
  const sized = utf8(name).length <= NAME_BYTES_MAX && salt16.length === SALT_BYTES
  if (!sized || !within(admission, 0, 2) || !within(epochSeconds, 1, 2 ** 32 - 1) || !within(beaconMask, 0, 255)) {
    const message =
      'a network needs a name of <= 32 bytes, admission 0-2, epochSeconds >= 1, a mask byte, a salt of 16 bytes'
    throw new CryptoError('BRUME_CRYPTO_NETWORK', message)
  }
  return hash(DOMAIN.net, encode([name, admission, epochSeconds, beaconMask, salt16]))
}

/** First 8 hex digits of SHA-256(network id): names topics without telling the id. */
export function net8(id: Uint8Array): string {
  return toHex(sha256(id)).slice(0, 8)
}

function within(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max
}
