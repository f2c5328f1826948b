import { asArray, asBytes, asUint, type CborValue, CodecError, decode, encode, fromHex, toHex } from '@brume/codec'
import type { Proposal } from '@brume/consensus'
import { BlockError, bodyOf, COMMANDS_MAX, encodePayload, HEADER_BYTES_MAX, readBlock } from './block.ts'
import { type Header, readHeader } from './header.ts'
import { FRAME_BYTES_MAX } from './id.ts'

/** Payloads up to this travel with their block; of larger ones members hold the commands already. */
export const INLINE_PAYLOAD_BYTES_MAX = 8_192

/** Commands up to this are sent whole to everybody; of larger ones only that they are there. */
export const INLINE_COMMAND_BYTES_MAX = 8_192

const ID_BYTES = 32

/** A block that names its commands instead of carrying them. */
export interface Outline {
  readonly header: Uint8Array
  readonly place: Header
  /** The leader's notarize signature, 64 bytes. */
  readonly signature: Uint8Array
  readonly timeMs: number
  /** Of its commands in order, lower-case hex of 32 bytes; no two are the same. */
  readonly ids: readonly string[]
}

/** `[header, signature, timeMs, ids]`, the ids as one byte string. */
export function encodeOutline({ header, signature, timeMs, ids }: Omit<Outline, 'place'>): Uint8Array {
  return encode([header, signature, timeMs, fromHex(ids.join(''))])
}

export function outlineOf(proposal: Proposal, signature: Uint8Array): Outline {
  const { header, commands } = bodyOf(proposal)
  return { header, place: readHeader(header), signature, timeMs: proposal.timeMs, ids: commands.map(({ id }) => id) }
}

/** @throws CodecError, BlockError */
export function readOutline(groupId: Uint8Array, bytes: Uint8Array): Outline {
  const fields = asArray(decode(bytes, { bytesMax: FRAME_BYTES_MAX, itemsMax: 8 }), 'outline', 4)
  const [head, signature, timeMs, list] = fields
  const header = asBytes(head, 'header', { min: 1, max: HEADER_BYTES_MAX })
  const place = readHeader(header)
  if (toHex(place.groupId) !== toHex(groupId)) throw new BlockError('this block is of another group')
  const ids = readIds(list)
  if (place.commands !== ids.length) throw new BlockError('a header counts other commands than are named')
  return { header, place, signature: asBytes(signature, 'signature', 64), timeMs: asUint(timeMs, 'timeMs'), ids }
}

/** Ids of 32 bytes each as one byte string. @throws CodecError, BlockError for one that comes twice */
export function readIds(value: CborValue | undefined): readonly string[] {
  const bytes = asBytes(value, 'ids', { min: 0, max: COMMANDS_MAX * ID_BYTES })
  if (bytes.length % ID_BYTES !== 0) throw new CodecError('BRUME_CODEC_SHAPE', 'ids have 32 bytes each')
  const hex = toHex(bytes)
  const ids = Array.from({ length: bytes.length / ID_BYTES }, (_, i) => hex.slice(64 * i, 64 * (i + 1)))
  if (new Set(ids).size !== ids.length) throw new BlockError('a block names a command twice')
  return ids
}

/**
 * The block, from its commands in order.
 *
 * @throws BlockError if they are not those that the header was made of
 */
export function fillOutline(groupId: Uint8Array, outline: Outline, commands: readonly Uint8Array[]): Proposal {
  return readBlock(groupId, outline.header, encodePayload(outline.timeMs, commands))
}
