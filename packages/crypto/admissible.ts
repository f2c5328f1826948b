import { compare, equal, fromHex } from '@brume/codec'

/** p = 2^255 - 19, big-endian. */
const FIELD_PRIME = fromHex('7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed')

/**
 * y, big-endian, of the 8 points whose order divides 8 (the sign bit tells x from -x): anyone can
 * make signatures that verify under them (OpenSSL 3.0 accepts those, 3.5.8 refuses: peers would fork). With either sign bit, so also the two forbidden encodings
 * `x = 0, sign 1`. Their forms with y >= p fall to the test of canonicity.
 */
const SMALL_ORDER_Y = [
  '0000000000000000000000000000000000000000000000000000000000000000', // order 4, two points
  '0000000000000000000000000000000000000000000000000000000000000001', // order 1
  '7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec', // order 2
  '05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826', // order 8, two points
  '7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7' // order 8, two points
].map((hex) => fromHex(hex))

/**
 * May this Ed25519 key join anything: 32 bytes, y < p (RFC 8032 5.1.3), not of small order. It is not
 * checked that a point with this y exists: under a key without one no signature verifies.
 */
export function isAdmissibleKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false
  const y = publicKey.toReversed()
  y[0] = (y[0] ?? 0) & 0x7f
  return compare(y, FIELD_PRIME) < 0 && !SMALL_ORDER_Y.some((small) => equal(y, small))
}
