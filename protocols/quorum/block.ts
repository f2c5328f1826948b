import { asArray, asBytes, asUint, decode, encode, equal, fromHex, optional, toHex } from '@brume/codec'
import type { Proposal } from '@brume/consensus'
import { DOMAIN, hash } from '@brume/crypto'
import { commandId } from './call.ts'
import { BLOCK_BYTES_MAX, COMMAND_BYTES_MAX, PAYLOAD_BYTES_MAX } from './id.ts'

/** Commands of one block. */
export const COMMANDS_MAX = 1_024

/** A header takes 300 bytes at the most. */
export const HEADER_BYTES_MAX = 512
const VERSION = 1
/** Bit 0 of the flags: the last block of its epoch. */
const FLAG_CLOSING = 1

/** Of an ECVRF proof (RFC 9381, EDWARDS25519-SHA512-TAI). */
export const VRF_PROOF_BYTES = 80

export interface Command {
  /** Lower-case hex of 32 bytes. */
  readonly id: string
  readonly bytes: Uint8Array
}

/** What the reducer carries along without looking into it. */
export interface BlockBody extends Turn {
  readonly header: Uint8Array
  readonly payload: Uint8Array
  readonly commands: readonly Command[]
}

/** What a header says about the turn of epochs. */
export interface Turn {
  /** Hash of the committee that follows, 32 bytes; null unless this block closes its epoch. */
  readonly nextCommittee: Uint8Array | null
  /** The leader's ECVRF proof over the epoch, 80 bytes, in its first block of an epoch. */
  readonly vrfProof: Uint8Array | null
}

export const NO_TURN: Turn = { nextCommittee: null, vrfProof: null }

export function bodyOf(proposal: Proposal): BlockBody {
  return proposal.body as BlockBody
}

/** Where a block stands. */
export interface Place {
  readonly groupId: Uint8Array
  readonly epoch: number
  readonly view: number
  readonly height: number
  readonly parentView: number
  /** Lower-case hex of 32 bytes. */
  readonly parent: string
}

/** Makes a block: payload `[1, timeMs, [command]]`, header over its digest, digest over the header. */
export function makeBlock(
  place: Place,
  timeMs: number,
  commands: readonly Command[],
  { nextCommittee, vrfProof }: Turn = NO_TURN
): Proposal {
  const payload = encodePayload(
    timeMs,
    commands.map(({ bytes }) => bytes)
  )
  const { groupId, epoch, view, height, parentView, parent } = place
  const bodyDigest = hash(DOMAIN.quorumBody, payload)
  const parentDigest = fromHex(parent)
  const header = encode([
    VERSION,
    groupId,
    epoch,
    view,
    height,
    parentView,
    parentDigest,
    bodyDigest,
    payload.length,
    commands.length,
    nextCommittee === null ? 0 : FLAG_CLOSING,
    nextCommittee,
    vrfProof
  ])
  const digest = toHex(hash(DOMAIN.quorumBlock, header))
  const body: BlockBody = { header, payload, commands, nextCommittee, vrfProof }
  return { epoch, view, height, parentView, parent, digest, timeMs, commands: weightOf(body), body }
}

/** `[1, timeMs, [command]]` */
export function encodePayload(timeMs: number, commands: readonly Uint8Array[]): Uint8Array {
  return encode([VERSION, timeMs, commands])
}

/** What makes a block worth finalizing: its commands, and that it closes an epoch counted as one more. */
function weightOf({ commands, nextCommittee }: Pick<BlockBody, 'commands' | 'nextCommittee'>): number {
  return commands.length + (nextCommittee === null ? 0 : 1)
}

/** Is this the last block of its epoch? Only empty blocks follow it there, to make it final. */
export function isClosing(proposal: Proposal): boolean {
  return bodyOf(proposal).nextCommittee !== null
}

/**
 * Reads a block and checks it against itself: group, digests, counts, limits. What depends on its
 * parent or on the program is judged elsewhere.
 *
 * @throws CodecError
 */
export function readBlock(groupId: Uint8Array, header: Uint8Array, payload: Uint8Array): Proposal {
  const fields = asArray(decode(header, { bytesMax: HEADER_BYTES_MAX, itemsMax: 16 }), 'header', 13)
  const [version, group, epoch, view, height, parentView, parent, bodyDigest, bodyBytes, count, flags, next, proof] =
    fields
  asUint(version, 'header version', VERSION, VERSION)
  const nextCommittee = optional(next, (value) => asBytes(value, 'nextCommittee', 32))
  asUint(flags, 'flags', nextCommittee === null ? 0 : FLAG_CLOSING, nextCommittee === null ? 0 : FLAG_CLOSING)
  const vrfProof = optional(proof, (value) => asBytes(value, 'vrfProof', VRF_PROOF_BYTES))
  expectSame(asBytes(group, 'groupId', 32), groupId, 'groupId')
  expectSame(asBytes(bodyDigest, 'bodyDigest', 32), hash(DOMAIN.quorumBody, payload), 'bodyDigest')
  asUint(bodyBytes, 'bodyBytes', payload.length, payload.length)
  const { timeMs, commands } = readPayload(payload)
  asUint(count, 'commandCount', commands.length, commands.length)
  const body: BlockBody = { header, payload, commands, nextCommittee, vrfProof }
  return {
    epoch: asUint(epoch, 'epoch'),
    view: asUint(view, 'view', undefined, 1),
    height: asUint(height, 'height', undefined, 1),
    parentView: asUint(parentView, 'parentView'),
    parent: toHex(asBytes(parent, 'parentDigest', 32)),
    digest: toHex(hash(DOMAIN.quorumBlock, header)),
    timeMs,
    commands: weightOf(body),
    body
  }
}

function expectSame(found: Uint8Array, expected: Uint8Array, what: string): void {
  if (!equal(found, expected)) throw new BlockError(`${what} does not fit`)
}

function readPayload(payload: Uint8Array): { timeMs: number; commands: readonly Command[] } {
  const fields = asArray(decode(payload, { bytesMax: PAYLOAD_BYTES_MAX, itemsMax: 2_048 }), 'payload', 3)
  const [version, timeMs, commands] = fields
  asUint(version, 'payload version', VERSION, VERSION)
  return {
    timeMs: asUint(timeMs, 'timeMs'),
    commands: asArray(commands, 'commands', { min: 0, max: COMMANDS_MAX }).map((value) => {
      const bytes = asBytes(value, 'command', { min: 1, max: COMMAND_BYTES_MAX })
      return { id: toHex(commandId(bytes)), bytes }
    })
  }
}

/** A block that contradicts itself. */
export class BlockError extends Error {
  readonly code = 'BRUME_QUORUM_BLOCK'
  override readonly name = 'BlockError'
}

/** `[header, signature 64, payload]`: how a block travels, is journaled and is stored. */
export function encodeSignedBlock(proposal: Proposal, signature: Uint8Array): Uint8Array {
  const { header, payload } = bodyOf(proposal)
  return encode([header, signature, payload])
}

/** @throws CodecError, BlockError */
export function decodeSignedBlock(
  groupId: Uint8Array,
  bytes: Uint8Array
): { proposal: Proposal; signature: Uint8Array } {
  const [header, signature, payload] = asArray(decode(bytes, { bytesMax: BLOCK_BYTES_MAX, itemsMax: 8 }), 'block', 3)
  return {
    proposal: readBlock(
      groupId,
      asBytes(header, 'header', { min: 1, max: HEADER_BYTES_MAX }),
      asBytes(payload, 'payload', { min: 1, max: PAYLOAD_BYTES_MAX })
    ),
    signature: asBytes(signature, 'signature', 64)
  }
}
