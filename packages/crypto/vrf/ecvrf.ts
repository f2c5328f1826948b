import { hash as hashOnce } from 'node:crypto'
import { concat } from '@brume/codec'
import { ed25519 } from '@noble/curves/ed25519.js'

/*
 * ECVRF-EDWARDS25519-SHA512-TAI, RFC 9381 section 5 with the parameters of 5.5. Names are the RFC's; the group is
 * that of RFC 8032, from noble-curves. Integers are little-endian, as on this curve throughout.
 */

const { Point } = ed25519
type Point = InstanceType<typeof Point>

/** 5.5: suite_string of EDWARDS25519-SHA512-TAI. */
const SUITE = 0x03

/** 5.4.1.1, 5.4.3, 5.2: what one hash of this suite is told from another by, in front and behind. */
const ENCODE_TO_CURVE = 0x01
const CHALLENGE = 0x02
const PROOF_TO_HASH = 0x03
const BACK = 0x00

/** 5.5: ptLen, cLen, qLen in bytes; hLen is 64. */
const POINT_BYTES = 32
const CHALLENGE_BYTES = 16
const SCALAR_BYTES = 32

/** 5.1 step 8: Gamma, c, s. */
export const PROOF_BYTES = POINT_BYTES + CHALLENGE_BYTES + SCALAR_BYTES

/** q, the prime order of the group; the cofactor is 8. */
const Q = Point.Fn.ORDER

/** 5.4.1.1 counts in one byte; each try succeeds half the time, so nobody will ever see the last. */
const TRIES_MAX = 256

const sha512 = (...parts: readonly Uint8Array[]): Uint8Array => hashOnce('sha512', concat(...parts), 'buffer')
const octet = (value: number) => new Uint8Array([value])

function readInt(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0)
  return value
}

function writeInt(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn))
}

/** string_to_point, RFC 8032 5.1.3: undefined for y >= p, for no point of the curve, and for x = 0 with sign 1. */
function readPoint(bytes: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(bytes)
  } catch {
    return undefined
  }
}

/** PK_string to Y, with the key validation of 5.4.5: cofactor * Y is not the identity. */
function readKey(publicKey: Uint8Array): Point | undefined {
  if (publicKey.length !== POINT_BYTES) return undefined
  const Y = readPoint(publicKey)
  return Y === undefined || Y.clearCofactor().is0() ? undefined : Y
}

/** May this key prove: 32 bytes, a point in its one encoding, not of small order. Under others beta is anyone's choice. */
export function isVrfKey(publicKey: Uint8Array): boolean {
  return readKey(publicKey) !== undefined
}

/** 5.4.1.1 ECVRF_encode_to_curve_try_and_increment; encode_to_curve_salt is PK_string (5.5). Varies in time with alpha, which is public. */
export function encodeToCurve(salt: Uint8Array, alpha: Uint8Array): Point {
  for (let ctr = 0; ctr < TRIES_MAX; ctr++) {
    const hashString = sha512(octet(SUITE), octet(ENCODE_TO_CURVE), salt, alpha, octet(ctr), octet(BACK))
    const H = readPoint(hashString.subarray(0, POINT_BYTES))?.clearCofactor()
    if (H !== undefined && !H.is0()) return H
  }
  throw new RangeError('no point in 256 tries: the hash is broken')
}

/** 5.4.3 ECVRF_challenge_generation: the first cLen bytes. */
function challenge(...points: readonly Point[]): bigint {
  const bytes = points.map((point) => point.toBytes())
  const cString = sha512(octet(SUITE), octet(CHALLENGE), ...bytes, octet(BACK))
  return readInt(cString.subarray(0, CHALLENGE_BYTES))
}

/** 5.2 ECVRF_proof_to_hash from step 4: 64 bytes. */
function gammaToHash(Gamma: Point): Uint8Array {
  const beta = sha512(octet(SUITE), octet(PROOF_TO_HASH), Gamma.clearCofactor().toBytes(), octet(BACK))
  return new Uint8Array(beta)
}

/** 5.4.4 ECVRF_decode_proof: undefined if Gamma is no point or s is not below q. */
function decodeProof(proof: Uint8Array): { readonly Gamma: Point; readonly c: bigint; readonly s: bigint } | undefined {
  if (proof.length !== PROOF_BYTES) return undefined
  const Gamma = readPoint(proof.subarray(0, POINT_BYTES))
  const c = readInt(proof.subarray(POINT_BYTES, POINT_BYTES + CHALLENGE_BYTES))
  const s = readInt(proof.subarray(POINT_BYTES + CHALLENGE_BYTES))
  return Gamma === undefined || s >= Q ? undefined : { Gamma, c, s }
}

/** 5.1 ECVRF_prove. */
export function prove(
  secretKey: Uint8Array,
  alpha: Uint8Array
): { readonly proof: Uint8Array; readonly beta: Uint8Array } {
  const { scalar: x, prefix, point: Y, pointBytes } = ed25519.utils.getExtendedPublicKey(secretKey) // 1
  const H = encodeToCurve(pointBytes, alpha) // 2
  const Gamma = H.multiply(x) // 4
  const k = readInt(sha512(prefix, H.toBytes())) % Q // 3, 5: nonce generation of 5.4.2.2
  const c = challenge(Y, H, Gamma, Point.BASE.multiply(k), H.multiply(k)) // 6
  const s = (k + c * x) % Q // 7
  const proof = concat(Gamma.toBytes(), writeInt(c, CHALLENGE_BYTES), writeInt(s, SCALAR_BYTES)) // 8
  return { proof, beta: gammaToHash(Gamma) }
}

export type Verdict =
  | { readonly valid: true; readonly beta: Uint8Array }
  /** `key`: not a key at all; `malformed`: no proof by anybody; `mismatch`: not this key's for this alpha. */
  | { readonly valid: false; readonly reason: 'key' | 'malformed' | 'mismatch' }

/** 5.3 ECVRF_verify with validate_key TRUE. */
export function verifyProof(publicKey: Uint8Array, alpha: Uint8Array, proof: Uint8Array): Verdict {
  const Y = readKey(publicKey) // 1, 2, 3
  if (Y === undefined) return { valid: false, reason: 'key' }
  const decoded = decodeProof(proof) // 4, 5
  if (decoded === undefined) return { valid: false, reason: 'malformed' }
  const { Gamma, c, s } = decoded // 6
  const H = encodeToCurve(publicKey, alpha) // 7
  const U = Point.BASE.multiplyUnsafe(s).subtract(Y.multiplyUnsafe(c)) // 8
  const V = H.multiplyUnsafe(s).subtract(Gamma.multiplyUnsafe(c)) // 9
  if (challenge(Y, H, Gamma, U, V) !== c) return { valid: false, reason: 'mismatch' } // 10, 11
  return { valid: true, beta: gammaToHash(Gamma) }
}

/** 5.2 ECVRF_proof_to_hash of a proof that was verified before; undefined for what cannot be one. */
export function proofToHash(proof: Uint8Array): Uint8Array | undefined {
  const decoded = decodeProof(proof)
  return decoded === undefined ? undefined : gammaToHash(decoded.Gamma)
}
