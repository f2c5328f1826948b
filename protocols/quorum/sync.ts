import { asArray, asBytes, asUint, decode, encode, optional } from '@brume/codec'
import type { Certificate, Proposal } from '@brume/consensus'
import { decodeSignedBlock } from './block.ts'
import { decodeCertificate, encodeCertificate } from './certificate.ts'
import { FRAME_BYTES_MAX, SYNC_ANSWER_BYTES_MAX } from './id.ts'

/** Blocks of one answer. */
export const SYNC_BLOCKS_MAX = 256

export interface SyncRequest {
  readonly groupId: Uint8Array
  /** First height wanted. */
  readonly from: number
}

/** Consecutive blocks from the wanted height; the finalization is of the last of them, so an answer proves itself. */
export interface SyncAnswer {
  readonly blocks: readonly { readonly proposal: Proposal; readonly signature: Uint8Array }[]
  /** Null with no blocks: the server has none at that height. */
  readonly finalization: Certificate | null
}

export function encodeSyncRequest({ groupId, from }: SyncRequest): Uint8Array {
  return encode([groupId, from])
}

/** @throws CodecError */
export function decodeSyncRequest(bytes: Uint8Array): SyncRequest {
  const [groupId, from] = asArray(decode(bytes, { bytesMax: 128 }), 'sync request', 2)
  return { groupId: asBytes(groupId, 'groupId', 32), from: asUint(from, 'from', undefined, 1) }
}

/** @param blocks - as `encodeSignedBlock` made them */
export function encodeSyncAnswer(blocks: readonly Uint8Array[], finalization: Certificate | null): Uint8Array {
  return encode([blocks, finalization === null ? null : encodeCertificate(finalization)])
}

/** @throws CodecError, BlockError. That the blocks form a chain and are final is for the receiver to check. */
export function decodeSyncAnswer(groupId: Uint8Array, bytes: Uint8Array): SyncAnswer {
  const [blocks, finalization] = asArray(decode(bytes, { bytesMax: SYNC_ANSWER_BYTES_MAX }), 'sync answer', 2)
  return {
    blocks: asArray(blocks, 'blocks', { min: 0, max: SYNC_BLOCKS_MAX }).map((block) =>
      decodeSignedBlock(groupId, asBytes(block, 'block', { min: 1, max: FRAME_BYTES_MAX }))
    ),
    finalization: optional(finalization, (value) =>
      decodeCertificate(asBytes(value, 'finalization', { min: 1, max: 8_192 }))
    )
  }
}
