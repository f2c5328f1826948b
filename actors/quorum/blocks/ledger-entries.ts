/** What lies in a group's ledger: under which keys, in which form, and as which operations it is written. */

import { asArray, asBytes, asUint, decode, encode, fromHex, optional, utf8, Writer } from '@brume/codec'
import type { Certificate, Final, Proposal } from '@brume/consensus'
import type { StoreOperation } from '@brume/ports'
import {
  BLOCK_BYTES_MAX,
  bodyOf,
  decodeCertificate,
  encodeCertificate,
  encodeSignedBlock,
  type Handover,
  HEADER_BYTES_MAX,
  readHeader
} from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'

/** One finalization, the blocks above the closing one, 100 members with the longest names. */
const ENDING_BYTES_MAX = 1_048_576

/** Blocks that a quorum may have made on a closing one before it was final: as many as may be unfinalized. */
export const TAIL_MAX = 64

export const KEY_FINAL = utf8('final')

export const blockKey = (height: number) => new Writer(9).u8(0x62).u64(height).finish()
export const proofKey = (height: number) => new Writer(9).u8(0x70).u64(height).finish()
/** Which commands of a block took effect; absent where all did. */
export const effectKey = (height: number) => new Writer(9).u8(0x65).u64(height).finish()
/** How an epoch ended, by its number, and the same by the height of its closing block. */
export const endingKey = (epoch: number) => new Writer(9).u8(0x6b).u64(epoch).finish()
export const endKey = (height: number) => new Writer(9).u8(0x71).u64(height).finish()
export const sessionPrefix = Uint8Array.of(0x73)
export const sessionEnd = Uint8Array.of(0x74)

/** A block that is final, with its leader's signature. */
export interface FinalBlock {
  readonly proposal: Proposal
  readonly signature: Uint8Array
}

/** With the places in the payload of the commands that took effect. */
export interface AppliedBlock extends FinalBlock {
  readonly effective: readonly number[]
}

/** How an epoch ended. */
export interface Ending {
  /** Of the last block of the tail, or of the closing block itself. */
  readonly finalization: Certificate
  /** Blocks above the closing one: they made it final and order nothing. */
  readonly tail: readonly FinalBlock[]
  /** Who decides in the next epoch, as `encodeCommittee` wrote it, and the seed of its leaders. */
  readonly committee: Uint8Array
  readonly seed: Uint8Array
}

/** How an epoch ended whose blocks are not here. */
export interface Passed extends Handover {
  /** Of the leaders of the epoch that follows, 32 bytes; null where that one was passed over as well. */
  readonly seed: Uint8Array | null
}

export function readEnding(bytes: Uint8Array) {
  const fields = asArray(decode(bytes, { bytesMax: ENDING_BYTES_MAX }), 'ending', 6)
  const [height, header, finalization, tail, committee, seed] = fields
  return {
    height: asUint(height, 'height'),
    header: asBytes(header, 'header', { min: 1, max: HEADER_BYTES_MAX }),
    finalization: decodeCertificate(asBytes(finalization, 'finalization', { min: 1, max: 8_192 })),
    tail: asArray(tail, 'tail', { min: 0, max: TAIL_MAX }).map((block) =>
      asBytes(block, 'block', { min: 1, max: BLOCK_BYTES_MAX })
    ),
    committee: asBytes(committee, 'committee', { min: 1, max: ENDING_BYTES_MAX }),
    /** Null where the epoch that follows was passed over: its leaders are of no interest. */
    seed: optional(seed, (value) => asBytes(value, 'seed', 32))
  }
}

export function noEnding(epoch: number): QuorumError {
  return new QuorumError('BRUME_QUORUM_STORE', `how epoch ${epoch} ended is not kept here`)
}

export function readEpoch(bytes: Uint8Array): number {
  return asUint(asArray(decode(bytes, { bytesMax: 16 }), 'end', 1)[0], 'epoch')
}

export function withTail(
  blocks: readonly Uint8Array[],
  { tail, finalization }: { readonly tail: readonly Uint8Array[]; readonly finalization: Certificate }
) {
  return { blocks: [...blocks, ...tail], finalization }
}

export function endOperations(blocks: readonly AppliedBlock[], ending: Ending | null): readonly StoreOperation[] {
  const closing = blocks.at(-1)?.proposal
  if (ending === null || closing === undefined) return []
  const { finalization, tail, committee, seed } = ending
  const tailBytes = tail.map(({ proposal, signature }) => encodeSignedBlock(proposal, signature))
  const { header } = bodyOf(tail.at(-1)?.proposal ?? closing)
  const value = encode([closing.height, header, encodeCertificate(finalization), tailBytes, committee, seed])
  return [
    { type: 'put', key: endingKey(closing.epoch), value },
    { type: 'put', key: endKey(closing.height), value: encode([closing.epoch]) }
  ]
}

export function floorOperation({ view, height, digest, timeMs, certificate }: Final): StoreOperation {
  const proof = certificate === null ? null : encodeCertificate(certificate)
  return { type: 'put', key: KEY_FINAL, value: encode([view, height, fromHex(digest), timeMs, proof]) }
}

export function blockOperation({ proposal, signature }: FinalBlock): StoreOperation {
  return { type: 'put', key: blockKey(proposal.height), value: encodeSignedBlock(proposal, signature) }
}

export function effectOperations({ proposal, effective }: AppliedBlock): readonly StoreOperation[] {
  if (effective.length === bodyOf(proposal).commands.length) return []
  return [{ type: 'put', key: effectKey(proposal.height), value: encode([...effective]) }]
}

export function proofOperation(height: number, certificate: Certificate): StoreOperation {
  return { type: 'put', key: proofKey(height), value: encodeCertificate(certificate) }
}

export function handoverOperations(handovers: ReadonlyMap<number, Passed>): readonly StoreOperation[] {
  return [...handovers].map(([epoch, { header, finalization, committee, seed }]) => {
    const { height } = readHeader(header)
    const value = encode([height, header, encodeCertificate(finalization), [], committee, seed])
    return { type: 'put', key: endingKey(epoch), value }
  })
}
