import { equal, toHex, Writer } from '@brume/codec'
import {
  DOMAIN,
  deriveSeed,
  identityFromSeed,
  isAdmissibleKey,
  keyFromPeerId,
  peerIdBytes,
  signedMessage,
  verify
} from '@brume/crypto'
import type { PeerId } from '@brume/ports'
import { RecordError } from './errors.ts'
import { FLAG, RECORD_BYTES_MAX } from './id.ts'
import type { OperatorCertificate, RecordBody, SignedRecord } from './messages.ts'
import { decodeRecord, encodeBody, encodeSigned } from './record.ts'

/** Signs with the identity of a peer or of an operator: 64 bytes. */
export type Sign = (message: Uint8Array) => Uint8Array
/** Ed25519; false, never a throw, on garbage. The simulator brings its own. */
export type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

/**
 * The public VRF key of an identity seed. ECVRF-EDWARDS25519 (RFC 9381, 5.5) derives its point as
 * Ed25519 does (RFC 8032, 5.1.5), so the public key of the derived seed is the VRF's.
 */
export function vrfPublicKey(identitySeed: Uint8Array): Uint8Array {
  return identityFromSeed(deriveSeed(identitySeed, DOMAIN.vrf)).publicKey
}

/** Encodes and signs a body. Throws `RecordError` when the record would exceed 2,048 B. */
export function signRecord(body: RecordBody, sign: Sign): SignedRecord {
  const bodyBytes = encodeBody(body)
  const signature = sign(signedMessage(DOMAIN.member, body.networkId, bodyBytes))
  const bytes = encodeSigned(bodyBytes, signature)
  if (bytes.length > RECORD_BYTES_MAX) {
    throw new RecordError(
      'BRUME_MEMBERSHIP_MALFORMED',
      `the record has ${bytes.length} bytes of at most ${RECORD_BYTES_MAX}; announce fewer addresses or capabilities`
    )
  }
  return { bytes, bodyBytes, signature, body }
}

/** Is this record of this network, by its peer, and is a certificate in it genuine? Throws `RecordError` if not. */
export function checkRecord(record: SignedRecord, networkId: Uint8Array, check: Verify = verify): void {
  const { body } = record
  checkNetwork(record, networkId)
  const key = keyFromPeerId(body.peer)
  if (key === undefined || !isAdmissibleKey(key)) throw badSignature('the peer id holds no admissible key')
  if (!isAdmissibleKey(body.vrfKey)) throw badSignature('the VRF key is not admissible')
  if (!check(key, signedMessage(DOMAIN.member, networkId, record.bodyBytes), record.signature)) {
    throw badSignature('the signature is not the peer’s')
  }
  if (body.certificate !== null) checkCertificate(body.certificate, networkId, body.peer, check)
}

/** Throws `RecordError` `BRUME_MEMBERSHIP_WRONG_NET` for a record of another network. */
export function checkNetwork(record: SignedRecord, networkId: Uint8Array): void {
  if (equal(record.body.networkId, networkId)) return
  const theirs = toHex(record.body.networkId.subarray(0, 4))
  throw new RecordError(
    'BRUME_MEMBERSHIP_WRONG_NET',
    `the record is of network ${theirs}...; join that network or keep the two apart`
  )
}

/** Reads and checks a whole record. Throws `CodecError` or `RecordError`. */
export function openRecord(bytes: Uint8Array, networkId: Uint8Array, check: Verify = verify): SignedRecord {
  const record = decodeRecord(bytes)
  checkRecord(record, networkId, check)
  return record
}

/** What an operator key signs to vouch for a peer until the end of epoch `notAfter`. */
export function operatorMessage(networkId: Uint8Array, peer: PeerId, notAfter: number): Uint8Array {
  return signedMessage(DOMAIN.operator, networkId, peerIdBytes(peer), new Writer(4).u32(notAfter).finish())
}

/**
 * Who counts as the operator of a peer in an epoch: the certified key, else the declared name, else
 * the peer itself, so that a home fog of unnamed machines can still replicate.
 */
export function operatorOf(body: RecordBody, epoch: number): string {
  if (body.certificate !== null && body.certificate.notAfter >= epoch) return `key:${toHex(body.certificate.key)}`
  return body.place.operator === '' ? `peer:${body.peer}` : `name:${body.place.operator}`
}

export function isLeaving(body: RecordBody): boolean {
  return (body.flags & FLAG.leaving) !== 0
}

function checkCertificate(certificate: OperatorCertificate, networkId: Uint8Array, peer: PeerId, check: Verify): void {
  const message = operatorMessage(networkId, peer, certificate.notAfter)
  if (!isAdmissibleKey(certificate.key) || !check(certificate.key, message, certificate.signature)) {
    throw badSignature('the operator certificate is not by its key')
  }
}

function badSignature(message: string): RecordError {
  return new RecordError('BRUME_MEMBERSHIP_BAD_SIGNATURE', message)
}
