import { asArray, asBytes, asUint, type CborValue, CodecError, decode, encode, fromHex, toHex } from '@brume/codec'
import { type Certificate, KIND, NO_DIGEST } from '@brume/consensus'
import { readKind } from './vote.ts'

/** 100 signatures of 64 bytes with their frame. */
const CERTIFICATE_BYTES_MAX = 8_192
const SIGNATURE_BYTES = 64
const BITMAP_BYTES_MAX = 13

/** `[kind, epoch, view, parentView, digest | empty, bitmap, signatures 64 x k by index]`, canonical CBOR. */
export function encodeCertificate(certificate: Certificate): Uint8Array {
  const { kind, epoch, view, parentView, digest, signers, signatures } = certificate
  const bitmap = new Uint8Array(Math.floor((signers.at(-1) ?? 0) / 8) + 1)
  for (const signer of signers) bitmap[signer >> 3] = (bitmap[signer >> 3] ?? 0) | (1 << (signer & 7))
  return encode([kind, epoch, view, parentView, fromHex(digest), bitmap, Buffer.concat(signatures)])
}

/** Form alone: weight and signatures are the committee's to judge. @throws CodecError */
export function decodeCertificate(bytes: Uint8Array): Certificate {
  const fields = asArray(decode(bytes, { bytesMax: CERTIFICATE_BYTES_MAX, itemsMax: 16 }), 'certificate', 7)
  const [kindField, epoch, view, parentView, digest, bitmap, signatures] = fields
  const kind = readKind(asUint(kindField, 'kind', 255))
  const signers = readBitmap(asBytes(bitmap, 'bitmap', { min: 1, max: BITMAP_BYTES_MAX }))
  const bare = kind === KIND.nullify
  return {
    kind,
    epoch: asUint(epoch, 'epoch'),
    view: asUint(view, 'view', undefined, 1),
    parentView: asUint(parentView, 'parentView', bare ? 0 : undefined),
    digest: bare ? readNothing(digest) : toHex(asBytes(digest, 'digest', 32)),
    signers,
    signatures: split(asBytes(signatures, 'signatures', signers.length * SIGNATURE_BYTES))
  }
}

function readNothing(digest: CborValue | undefined): string {
  asBytes(digest, 'digest', 0)
  return NO_DIGEST
}

/** Ascending indices; the last byte must hold one, so that a set has one bitmap. */
function readBitmap(bitmap: Uint8Array): readonly number[] {
  if (bitmap.at(-1) === 0) throw new CodecError('BRUME_CODEC_NOT_CANONICAL', 'a bitmap ends with an empty byte')
  const signers: number[] = []
  bitmap.forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) signers.push(8 * i + bit)
  })
  return signers
}

function split(signatures: Uint8Array): readonly Uint8Array[] {
  const count = signatures.length / SIGNATURE_BYTES
  return Array.from({ length: count }, (_, i) => signatures.slice(i * SIGNATURE_BYTES, (i + 1) * SIGNATURE_BYTES))
}
