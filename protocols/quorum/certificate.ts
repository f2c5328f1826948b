import { asArray, asBytes, asUint, type CborValue, decode, encode, fromHex, toHex } from '@brume/codec'
import { type Certificate, KIND, NO_DIGEST } from '@brume/consensus'
import { BITMAP_BYTES_MAX, bitmapOf, readBitmap, signaturesBytes, splitSignatures } from './signers.ts'
import { readKind } from './vote.ts'

/** 100 signatures of 64 bytes with their frame. */
const CERTIFICATE_BYTES_MAX = 8_192

/** `[kind, epoch, view, parentView, digest | empty, bitmap, signatures 64 x k by index]`, canonical CBOR. */
export function encodeCertificate(certificate: Certificate): Uint8Array {
  const { kind, epoch, view, parentView, digest, signers, signatures } = certificate
  return encode([kind, epoch, view, parentView, fromHex(digest), bitmapOf(signers), Buffer.concat(signatures)])
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
    signatures: splitSignatures(asBytes(signatures, 'signatures', signaturesBytes(signers)))
  }
}

function readNothing(digest: CborValue | undefined): string {
  asBytes(digest, 'digest', 0)
  return NO_DIGEST
}
