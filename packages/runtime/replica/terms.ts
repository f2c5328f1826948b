import { asArray, asBytes, asText, asUint, CodecError, compare, decode, encode } from '@brume/codec'
import { sha256 } from '@brume/crypto'
import type { Json } from '../logic/port.ts'

/** Counts every change of what executor, realm or prelude make of the same bundle; XState is part of the bundle. */
export const RUNTIME = 'xstate@5.33.3/rt1'

/** Input of a machine, canonical CBOR. */
const INPUT_BYTES_MAX = 65_536
const ADMINS_MAX = 16
const RUNTIME_BYTES_MAX = 32
const VERSION = 1

/** What a group's manifest says of the machine it runs: its field `program`. */
export interface Terms {
  /** 32 bytes, of the bundle. */
  readonly logicId: Uint8Array
  readonly runtime: string
  /** 32 bytes, of the machine's input. */
  readonly inputDigest: Uint8Array
  /** Ed25519 keys of 32 bytes that may freeze the machine. */
  readonly admins: readonly Uint8Array[]
}

/** `[1, logicId, runtime, inputDigest, [admin]]`, canonical CBOR; admins are put in order. */
export function encodeTerms({ logicId, runtime, inputDigest: digest, admins }: Terms): Uint8Array {
  return encode([VERSION, logicId, runtime, digest, [...admins].sort(compare)])
}

/** @throws CodecError */
export function decodeTerms(program: Uint8Array): Terms {
  const fields = asArray(decode(program, { bytesMax: 4_096, itemsMax: 64 }), 'terms', 5)
  const [version, logicId, runtime, digest, admins] = fields
  asUint(version, 'version', VERSION, VERSION)
  return {
    logicId: asBytes(logicId, 'logicId', 32),
    runtime: asText(runtime, 'runtime', RUNTIME_BYTES_MAX),
    inputDigest: asBytes(digest, 'inputDigest', 32),
    admins: asArray(admins, 'admins', { min: 0, max: ADMINS_MAX }).map((key) => asBytes(key, 'admin', 32))
  }
}

/** SHA-256 of the canonical input, 32 bytes. @throws CodecError for more than 64 KiB, or what is no integer or plain */
export function inputDigest(input: Json): Uint8Array {
  const bytes = encode(input)
  if (bytes.length > INPUT_BYTES_MAX) {
    throw new CodecError('BRUME_CODEC_TOO_LARGE', `an input of ${bytes.length} bytes; ${INPUT_BYTES_MAX} are taken`)
  }
  return sha256(bytes)
}
