import {
  asArray,
  asBytes,
  asUint,
  CodecError,
  decode,
  encode,
  fromHex,
  type Reader,
  toHex,
  type Writer
} from '@brume/codec'
import { sha256, signedMessage } from '@brume/crypto'
import { BITMAP_BYTES_MAX, bitmapOf, readBitmap, type Signers, signaturesBytes, splitSignatures } from './signers.ts'

/** Kind of a vote on what a block came to; with those of `KIND` and 4, the checkpoint, one numbering. */
export const ATTEST = 6

/** What a program may say of a block, and have attested. */
export const STATEMENT_BYTES_MAX = 1_024

const CERTIFICATE_BYTES_MAX = 8_192

/** That executing the block of this view gave this statement. Nothing says here that the block is final. */
export interface Outcome {
  readonly epoch: number
  readonly view: number
  /** SHA-256 of the statement, lower-case hex. */
  readonly statement: string
}

export interface Attestation extends Outcome {
  readonly signer: number
  /** Ed25519, 64 bytes. */
  readonly signature: Uint8Array
}

/** One of its signers is honest if they weigh more than F. It proves a result beside the finality of the block that the statement names. */
export interface AttestationCertificate extends Outcome, Signers {}

export function statementDigest(statement: Uint8Array): string {
  return toHex(sha256(statement))
}

/** What is signed: `domain ‖ 0x00 ‖ SHA-256(statement)`, the domain being the program's. The statement itself names group and block. */
export function attestedBytes(domain: string, statement: string): Uint8Array {
  return signedMessage(domain, fromHex(statement))
}

/** Fixed, 114 bytes: `6 u8 ‖ signer u8 ‖ epoch u64 ‖ view u64 ‖ statement digest 32 ‖ signature 64`. */
export function writeAttestation(writer: Writer, { signer, epoch, view, statement, signature }: Attestation): Writer {
  return writer.u8(ATTEST).u8(signer).u64(epoch).u64(view).bytes(fromHex(statement)).bytes(signature)
}

/** What follows the kind. @throws CodecError */
export function readAttestation(reader: Reader): Attestation {
  const [signer, epoch, view] = [reader.u8(), reader.u64(), reader.u64()]
  return { signer, epoch, view, statement: toHex(reader.bytes(32)), signature: reader.bytes(64).slice() }
}

/** `[6, epoch, view, statement digest, bitmap, signatures 64 x k by index]`, canonical CBOR. */
export function encodeAttestationCertificate(certificate: AttestationCertificate): Uint8Array {
  const { epoch, view, statement, signers, signatures } = certificate
  return encode([ATTEST, epoch, view, fromHex(statement), bitmapOf(signers), Buffer.concat(signatures)])
}

/** Form alone: weight and signatures are the committee's to judge. @throws CodecError */
export function decodeAttestationCertificate(bytes: Uint8Array): AttestationCertificate {
  const fields = asArray(decode(bytes, { bytesMax: CERTIFICATE_BYTES_MAX, itemsMax: 16 }), 'attestation', 6)
  const [kind, epoch, view, statement, bitmap, signatures] = fields
  asUint(kind, 'kind', ATTEST, ATTEST)
  const signers = readBitmap(asBytes(bitmap, 'bitmap', { min: 1, max: BITMAP_BYTES_MAX }))
  if (signers.length === 0) throw new CodecError('BRUME_CODEC_SHAPE', 'an attestation nobody signed')
  return {
    epoch: asUint(epoch, 'epoch'),
    view: asUint(view, 'view', undefined, 1),
    statement: toHex(asBytes(statement, 'statement', 32)),
    signers,
    signatures: splitSignatures(asBytes(signatures, 'signatures', signaturesBytes(signers)))
  }
}
