import { asArray, asBytes, asUint, decode, encode, fromHex, type Reader, toHex, Writer } from '@brume/codec'
import type { Committee } from '@brume/consensus'
import { DOMAIN, hash, signedMessage } from '@brume/crypto'
import { BITMAP_BYTES_MAX, bitmapOf, readBitmap, type Signers, signaturesBytes, splitSignatures } from './signers.ts'

/** Kind of a vote on all that is replicated at one height. */
export const CHECKPOINT = 4

/** The quorum's own state: membership and at most 4,096 sessions. */
export const RECORD_BYTES_MAX = 1_048_576

const CERTIFICATE_BYTES_MAX = 8_192

/** What is replicated after the block of this height: the quorum's own record, and the program's state. Digests in lower-case hex. */
export interface CheckpointStatement {
  readonly epoch: number
  readonly height: number
  readonly block: string
  readonly record: string
  readonly stateRoot: string
}

export interface CheckpointVote extends CheckpointStatement {
  readonly signer: number
  /** Ed25519, 64 bytes. */
  readonly signature: Uint8Array
}

/** A quorum, diverse as the group demands, had all of this: whoever lacks it may take it from anybody. */
export interface CheckpointCertificate extends CheckpointStatement, Signers {}

export function recordDigest(record: Uint8Array): string {
  return toHex(hash(DOMAIN.quorumRecord, record))
}

/** `H('brume/quorum-state/1', leaves u64 ‖ root)`: binds the number of leaves, which a Merkle root does not. */
export function stateRootOf(leaves: number, merkleRoot: Uint8Array): Uint8Array {
  return hash(DOMAIN.quorumState, new Writer(40).u64(leaves).bytes(merkleRoot).finish())
}

/** What is signed: `domain ‖ 0x00 ‖ groupId 32 ‖ epoch u64 ‖ committeeHash 32 ‖ height u64 ‖ block 32 ‖ record 32 ‖ stateRoot 32`. */
export function checkpointBytes(committee: Pick<Committee, 'groupId' | 'hash'>, said: CheckpointStatement): Uint8Array {
  const writer = new Writer(256).bytes(committee.groupId).u64(said.epoch).bytes(committee.hash).u64(said.height)
  return signedMessage(DOMAIN.quorumCheckpoint, writeTail(writer, said).finish())
}

function writeTail(writer: Writer, { block, record, stateRoot }: CheckpointStatement): Writer {
  return writer.bytes(fromHex(block)).bytes(fromHex(record)).bytes(fromHex(stateRoot))
}

/** Fixed, 178 bytes: `4 u8 ‖ signer u8 ‖ epoch u64 ‖ height u64 ‖ block 32 ‖ record 32 ‖ stateRoot 32 ‖ signature 64`. */
export function writeCheckpointVote(writer: Writer, vote: CheckpointVote): Writer {
  writer.u8(CHECKPOINT).u8(vote.signer).u64(vote.epoch).u64(vote.height)
  return writeTail(writer, vote).bytes(vote.signature)
}

/** What follows the kind. @throws CodecError */
export function readCheckpointVote(reader: Reader): CheckpointVote {
  const [signer, epoch, height] = [reader.u8(), reader.u64(), reader.u64()]
  const [block, record, stateRoot] = [toHex(reader.bytes(32)), toHex(reader.bytes(32)), toHex(reader.bytes(32))]
  return { signer, epoch, height, block, record, stateRoot, signature: reader.bytes(64).slice() }
}

/** `[4, epoch, height, block, record, stateRoot, bitmap, signatures 64 x k by index]`, canonical CBOR. */
export function encodeCheckpointCertificate(certificate: CheckpointCertificate): Uint8Array {
  const { epoch, height, block, record, stateRoot, signers, signatures } = certificate
  const digests = [block, record, stateRoot].map(fromHex)
  return encode([CHECKPOINT, epoch, height, ...digests, bitmapOf(signers), Buffer.concat(signatures)])
}

/** Form alone: weight and signatures are the committee's to judge. @throws CodecError */
export function decodeCheckpointCertificate(bytes: Uint8Array): CheckpointCertificate {
  const fields = asArray(decode(bytes, { bytesMax: CERTIFICATE_BYTES_MAX, itemsMax: 16 }), 'checkpoint', 8)
  const [kind, epoch, height, block, record, stateRoot, bitmap, signatures] = fields
  asUint(kind, 'kind', CHECKPOINT, CHECKPOINT)
  const signers = readBitmap(asBytes(bitmap, 'bitmap', { min: 1, max: BITMAP_BYTES_MAX }))
  return {
    epoch: asUint(epoch, 'epoch'),
    height: asUint(height, 'height', undefined, 1),
    block: toHex(asBytes(block, 'block', 32)),
    record: toHex(asBytes(record, 'record', 32)),
    stateRoot: toHex(asBytes(stateRoot, 'stateRoot', 32)),
    signers,
    signatures: splitSignatures(asBytes(signatures, 'signatures', signaturesBytes(signers)))
  }
}
