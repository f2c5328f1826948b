import { CodecError } from '@brume/codec'

const SIGNATURE_BYTES = 64

/** One bit for each of 100 members. */
export const BITMAP_BYTES_MAX = 13

/** Who signed, and the signature of each in the same order. */
export interface Signers {
  /** Ascending member indices. */
  readonly signers: readonly number[]
  readonly signatures: readonly Uint8Array[]
}

/** One bit a member, lowest bit first, as many bytes as the highest signer needs. */
export function bitmapOf(signers: readonly number[]): Uint8Array {
  const bitmap = new Uint8Array(Math.floor((signers.at(-1) ?? 0) / 8) + 1)
  for (const signer of signers) bitmap[signer >> 3] = (bitmap[signer >> 3] ?? 0) | (1 << (signer & 7))
  return bitmap
}

/** Ascending indices; the last byte must hold one, so that a set has one bitmap. @throws CodecError */
export function readBitmap(bitmap: Uint8Array): readonly number[] {
  if (bitmap.at(-1) === 0) throw new CodecError('BRUME_CODEC_NOT_CANONICAL', 'a bitmap ends with an empty byte')
  const signers: number[] = []
  bitmap.forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) signers.push(8 * i + bit)
  })
  return signers
}

export function signaturesBytes(signers: readonly number[]): number {
  return signers.length * SIGNATURE_BYTES
}

/** Signatures one after another, taken apart; each is a copy. */
export function splitSignatures(signatures: Uint8Array): readonly Uint8Array[] {
  const count = signatures.length / SIGNATURE_BYTES
  return Array.from({ length: count }, (_, i) => signatures.slice(i * SIGNATURE_BYTES, (i + 1) * SIGNATURE_BYTES))
}
