import { encode as cborgEncode } from 'cborg'
import { assertEncodable, type CborValue } from './value.ts'

export interface EncodeOptions {
  /** Finite numbers beyond the safe integers too, always in 8 bytes as DAG-CBOR has them. Default false. */
  readonly floats?: boolean
}

/**
 * Canonical CBOR (RFC 8949 4.2.1): shortest heads, definite lengths, map keys in bytewise order of
 * their encodings. Negative zero is written as 0. Throws `CodecError` for anything but a `CborValue`.
 *
 * cborg's default order is by major type, then length, then bytes. For keys that are integers or
 * text this equals the bytewise order, since the head that comes first carries type and length; for
 * other keys it would not, which is one reason why they are refused.
 */
export function encode(value: CborValue, options?: EncodeOptions): Uint8Array {
  assertEncodable(value, options?.floats)
  const bytes = cborgEncode(value, { float64: true })
  // On Node it is a Buffer, whose `slice` is a view: a plain array has the semantics that its type promises.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
