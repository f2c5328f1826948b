import { asArray, asBytes, asText, asUint, type CborValue, CodecError, compare, decode, encode } from '@brume/codec'
import { sha256 } from '@brume/crypto'
import type { Json } from '../logic/port.ts'

/** Counts every change of what executor, realm or prelude make of the same bundle; XState is part of the bundle. */
export const RUNTIME = 'xstate@5.33.3/rt3'

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
  /** 32 bytes, of the machine's input; of one that goes on from another group's state, that state's root. */
  readonly inputDigest: Uint8Array
  /** Ed25519 keys of 32 bytes that may freeze the machine. */
  readonly admins: readonly Uint8Array[]
  /** Whose state it goes on from; null: it begins with an input. */
  readonly origin: Origin | null
}

/** A group that was frozen, and the version of the machine it ran. */
export interface Origin {
  /** 32 bytes. */
  readonly groupId: Uint8Array
  readonly version: number
}

/**
 * `[1, logicId, runtime, inputDigest, [admin]]`, and `[groupId, version]` behind that where there is an origin; canonical
 * CBOR. Admins are put in order.
 */
export function encodeTerms({ logicId, runtime, inputDigest: digest, admins, origin }: Terms): Uint8Array {
  const fields = [VERSION, logicId, runtime, digest, [...admins].sort(compare)]
  return encode(origin === null ? fields : [...fields, [origin.groupId, origin.version]])
}

/** @throws CodecError */
export function decodeTerms(program: Uint8Array): Terms {
  const fields = asArray(decode(program, { bytesMax: 4_096, itemsMax: 64 }), 'terms', { min: 5, max: 6 })
  const [version, logicId, runtime, digest, admins, origin] = fields
  asUint(version, 'version', VERSION, VERSION)
  return {
    logicId: asBytes(logicId, 'logicId', 32),
    runtime: asText(runtime, 'runtime', RUNTIME_BYTES_MAX),
    inputDigest: asBytes(digest, 'inputDigest', 32),
    admins: asArray(admins, 'admins', { min: 0, max: ADMINS_MAX }).map((key) => asBytes(key, 'admin', 32)),
    origin: origin === undefined ? null : readOrigin(origin)
  }
}

function readOrigin(value: CborValue): Origin {
  const [groupId, version] = asArray(value, 'origin', 2)
  return { groupId: asBytes(groupId, 'groupId', 32), version: asUint(version, 'version', undefined, 1) }
}

/** SHA-256 of the canonical input, 32 bytes. @throws CodecError for more than 64 KiB, or what is no integer or plain */
export function inputDigest(input: Json): Uint8Array {
  const bytes = encode(input)
  if (bytes.length > INPUT_BYTES_MAX) {
    throw new CodecError('BRUME_CODEC_TOO_LARGE', `an input of ${bytes.length} bytes; ${INPUT_BYTES_MAX} are taken`)
  }
  return sha256(bytes)
}
