import { asArray, asBytes, asUint, decode, encode, optional } from '@brume/codec'
import type { Certificate, Proposal } from '@brume/consensus'
import { decodeSignedBlock } from './block.ts'
import { decodeCertificate, encodeCertificate } from './certificate.ts'
import { BLOCK_BYTES_MAX, SYNC_ANSWER_BYTES_MAX } from './id.ts'

/** Blocks of one answer. */
export const SYNC_BLOCKS_MAX = 256

/** Everything that is fetched in bulk, one request a stream. */
export type SyncRequest =
  /** Blocks from this height on. */
  | { readonly type: 'blocks'; readonly groupId: Uint8Array; readonly from: number }
  /** The newest checkpoint that is kept, answered by a `CheckpointAnswer`. */
  | { readonly type: 'checkpoint'; readonly groupId: Uint8Array }
  /** How epochs ended, from this one on, answered by `encodeClosings`. */
  | { readonly type: 'closings'; readonly groupId: Uint8Array; readonly epoch: number }
  /** One page of the program's state at a checkpoint, answered by a `PageAnswer`. */
  | { readonly type: 'page'; readonly groupId: Uint8Array; readonly height: number; readonly page: number }

const WHAT = { blocks: 0, checkpoint: 1, page: 2, closings: 3 } as const
const PAGES_MAX = 2 ** 24

/** Consecutive blocks from the wanted height; the finalization is of the last of them, so an answer proves itself. */
export interface SyncAnswer {
  readonly blocks: readonly { readonly proposal: Proposal; readonly signature: Uint8Array }[]
  /** Null with no blocks: the server has none at that height. */
  readonly finalization: Certificate | null
  /** Height of the server's oldest checkpoint where the wanted blocks lie at or below it and are gone; else null. */
  readonly pruned: number | null
}

/** `[what, groupId, ...]`: 0 blocks and the first height, 1 checkpoint, 2 page with its height and number, 3 closings and the first epoch. */
export function encodeSyncRequest(request: SyncRequest): Uint8Array {
  const { type, groupId } = request
  if (type === 'blocks') return encode([WHAT[type], groupId, request.from])
  if (type === 'closings') return encode([WHAT[type], groupId, request.epoch])
  if (type === 'page') return encode([WHAT[type], groupId, request.height, request.page])
  return encode([WHAT[type], groupId])
}

/** @throws CodecError */
export function decodeSyncRequest(bytes: Uint8Array): SyncRequest {
  const fields = asArray(decode(bytes, { bytesMax: 128 }), 'sync request', { min: 2, max: 4 })
  const groupId = asBytes(fields[1], 'groupId', 32)
  switch (asUint(fields[0], 'what', WHAT.closings)) {
    case WHAT.blocks: {
      const [, , from] = asArray(fields, 'blocks', 3)
      return { type: 'blocks', groupId, from: asUint(from, 'from', undefined, 1) }
    }
    case WHAT.closings: {
      const [, , epoch] = asArray(fields, 'closings', 3)
      return { type: 'closings', groupId, epoch: asUint(epoch, 'epoch') }
    }
    case WHAT.checkpoint:
      asArray(fields, 'checkpoint', 2)
      return { type: 'checkpoint', groupId }
    default: {
      const [, , height, page] = asArray(fields, 'page', 4)
      const at = asUint(height, 'height', undefined, 1)
      return { type: 'page', groupId, height: at, page: asUint(page, 'page', PAGES_MAX) }
    }
  }
}

/** @param blocks - as `encodeSignedBlock` made them */
export function encodeSyncAnswer(
  blocks: readonly Uint8Array[],
  finalization: Certificate | null,
  pruned: number | null = null
): Uint8Array {
  return encode([blocks, finalization === null ? null : encodeCertificate(finalization), pruned])
}

/** @throws CodecError, BlockError. That the blocks form a chain and are final is for the receiver to check. */
export function decodeSyncAnswer(groupId: Uint8Array, bytes: Uint8Array): SyncAnswer {
  const fields = asArray(decode(bytes, { bytesMax: SYNC_ANSWER_BYTES_MAX }), 'sync answer', 3)
  const [blocks, finalization, pruned] = fields
  return {
    blocks: asArray(blocks, 'blocks', { min: 0, max: SYNC_BLOCKS_MAX }).map((block) =>
      decodeSignedBlock(groupId, asBytes(block, 'block', { min: 1, max: BLOCK_BYTES_MAX }))
    ),
    finalization: optional(finalization, (value) =>
      decodeCertificate(asBytes(value, 'finalization', { min: 1, max: 8_192 }))
    ),
    pruned: optional(pruned, (value) => asUint(value, 'pruned'))
  }
}
