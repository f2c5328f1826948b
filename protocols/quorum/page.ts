import { asArray, asBytes, asUint, decode, encode, optional } from '@brume/codec'
import type { Certificate } from '@brume/consensus'
import { PAGE_LEAVES } from '@brume/crypto'
import { HEADER_BYTES_MAX } from './block.ts'
import { decodeCertificate, encodeCertificate } from './certificate.ts'
import {
  type CheckpointCertificate,
  decodeCheckpointCertificate,
  encodeCheckpointCertificate,
  RECORD_BYTES_MAX
} from './checkpoint.ts'
import { SYNC_ANSWER_BYTES_MAX } from './id.ts'

/** One leaf of a program's state. */
export const LEAF_BYTES_MAX = 4_096

/** Leaves of one state: 16 TiB of the largest, so a bound on arithmetic only. */
const LEAVES_MAX = 2 ** 32

/** Nodes between a page and the root of the largest state. */
const PATH_MAX = 32

/** Everything a member needs to go on from a checkpoint, but the leaves. Only the certificate need be believed: it binds the rest. */
export interface CheckpointAnswer {
  readonly certificate: CheckpointCertificate
  /** Of the block: it hashes to the digest in the certificate. */
  readonly header: Uint8Array
  /** Hashes to the record digest in the certificate. */
  readonly record: Uint8Array
  /** Together they hash to the state root. */
  readonly leaves: number
  readonly merkleRoot: Uint8Array
  /** Of just this block, where the server has one. */
  readonly finalization: Certificate | null
}

/** 256 leaves of a state (the last page fewer) and their audit path. */
export interface PageAnswer {
  readonly leaves: readonly Uint8Array[]
  readonly path: readonly Uint8Array[]
}

/** `[certificate, header, record, leaves, merkleRoot, finalization]`, or null: the server has no checkpoint yet. */
export function encodeCheckpointAnswer(answer: CheckpointAnswer | null): Uint8Array {
  if (answer === null) return encode(null)
  const { certificate, header, record, leaves, merkleRoot, finalization } = answer
  const proof = finalization === null ? null : encodeCertificate(finalization)
  return encode([encodeCheckpointCertificate(certificate), header, record, leaves, merkleRoot, proof])
}

/** @throws CodecError. That it holds together is for the receiver to check. */
export function decodeCheckpointAnswer(bytes: Uint8Array): CheckpointAnswer | null {
  return optional(decode(bytes, { bytesMax: SYNC_ANSWER_BYTES_MAX, itemsMax: 16 }), (value) => {
    const [certificate, header, record, leaves, merkleRoot, finalization] = asArray(value, 'checkpoint answer', 6)
    return {
      certificate: decodeCheckpointCertificate(asBytes(certificate, 'certificate', { min: 1, max: 8_192 })),
      header: asBytes(header, 'header', { min: 1, max: HEADER_BYTES_MAX }),
      record: asBytes(record, 'record', { min: 1, max: RECORD_BYTES_MAX }),
      leaves: asUint(leaves, 'leaves', LEAVES_MAX),
      merkleRoot: asBytes(merkleRoot, 'merkleRoot', 32),
      finalization: optional(finalization, (proof) =>
        decodeCertificate(asBytes(proof, 'finalization', { min: 1, max: 8_192 }))
      )
    }
  })
}

/** `[[leaf], [node 32]]`, or null: the server does not keep that state, or has no such page. */
export function encodePageAnswer(page: PageAnswer | null): Uint8Array {
  return encode(page === null ? null : [[...page.leaves], [...page.path]])
}

/** @throws CodecError */
export function decodePageAnswer(bytes: Uint8Array): PageAnswer | null {
  const limits = { bytesMax: SYNC_ANSWER_BYTES_MAX, itemsMax: PAGE_LEAVES + PATH_MAX + 4 }
  return optional(decode(bytes, limits), (value) => {
    const [leaves, path] = asArray(value, 'page', 2)
    return {
      leaves: asArray(leaves, 'leaves', { min: 0, max: PAGE_LEAVES }).map((leaf) =>
        asBytes(leaf, 'leaf', { min: 0, max: LEAF_BYTES_MAX })
      ),
      path: asArray(path, 'path', { min: 0, max: PATH_MAX }).map((node) => asBytes(node, 'node', 32))
    }
  })
}
