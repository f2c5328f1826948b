import { asArray, asBytes, asUint, CodecError, decode, encode, fromHex, Reader, toHex, Writer } from '@brume/codec'
import { KIND, MEMBERS_MAX, NO_DIGEST } from '@brume/consensus'
import { RESULT, type SlotCertificate, type SlotKind, type SlotMessage, type SlotVote } from '@brume/consensus/slot'
import type { ChannelProtocol, RequestProtocol } from '@brume/ports'
import { BITMAP_BYTES_MAX, bitmapOf, readBitmap, signaturesBytes, splitSignatures } from './signers.ts'

/** Votes, proposals and certificates of slots: one stream a pair and direction, shared by all slot groups of the two. */
export const SLOT_PROTOCOL: ChannelProtocol = {
  id: '/brume/quorum-slot/1.0.0',
  class: 'control',
  frameBytesMax: 49_152
}

/** A result; what is larger is named by its hash. */
export const RESULT_BYTES_MAX = 1_048_576

/** The bytes of a decided result, from who computed the same. */
export const SLOT_VALUE_PROTOCOL: RequestProtocol = {
  id: '/brume/quorum-slot-value/1.0.0',
  requestBytesMax: 72,
  answerBytesMax: RESULT_BYTES_MAX + 1
}

const CERTIFICATE_BYTES_MAX = 8_192

const SLOT_KINDS: readonly SlotKind[] = [KIND.notarize, KIND.nullify, KIND.finalize, RESULT]

const TYPE = { votes: 1, propose: 2, certificate: 3, ask: 4 } as const

/** A message, and the slot it belongs to. */
export interface SlotFrame {
  readonly groupId: Uint8Array
  readonly message: SlotMessage
}

/** `type u8 ‖ groupId 32 ‖ content`; which slot is in the votes, and in an ask the first of two u64. */
export function encodeSlotFrame({ groupId, message }: SlotFrame): Uint8Array {
  const writer = new Writer(512).u8(TYPE[message.type]).bytes(groupId)
  switch (message.type) {
    case 'votes':
      return writeSlotVotes(writer, message.votes).finish()
    case 'propose':
      return writeSlotVotes(writeSlotVote(writer, message.vote), message.results).finish()
    case 'certificate':
      return writer.bytes(encodeSlotCertificate(message.certificate)).finish()
    case 'ask':
      return writer.u64(message.epoch).u64(message.view).finish()
  }
}

/** @throws CodecError for anything that is not exactly one frame */
export function decodeSlotFrame(bytes: Uint8Array): SlotFrame {
  const reader = new Reader(bytes)
  const type = reader.u8()
  const groupId = reader.bytes(32).slice()
  return { groupId, message: readMessage(type, reader) }
}

function readMessage(type: number, reader: Reader): SlotMessage {
  if (type === TYPE.certificate) return { type: 'certificate', certificate: decodeSlotCertificate(reader.rest()) }
  if (type === TYPE.ask) return readAsk(reader)
  if (type === TYPE.votes) return { type: 'votes', votes: readSlotVotes(reader, 1) }
  if (type !== TYPE.propose) throw new CodecError('BRUME_CODEC_SHAPE', `${type} is no type of slot frame`)
  return { type: 'propose', vote: readSlotVote(reader), results: readSlotVotes(reader, 0) }
}

function readAsk(reader: Reader): SlotMessage {
  const ask = { type: 'ask', epoch: reader.u64(), view: reader.u64() } as const
  reader.end()
  return ask
}

function writeSlotVotes(writer: Writer, votes: readonly SlotVote[]): Writer {
  writer.u8(votes.length)
  for (const vote of votes) writeSlotVote(writer, vote)
  return writer
}

function readSlotVotes(reader: Reader, min: number): readonly SlotVote[] {
  const count = reader.u8()
  if (count < min || count > MEMBERS_MAX) throw new CodecError('BRUME_CODEC_RANGE', `${count} votes in a frame`)
  const votes = Array.from({ length: count }, () => readSlotVote(reader))
  reader.end()
  return votes
}

/** As a vote of a log group, the slot in the place of the epoch; no parent's view: 114 bytes, 82 for nullify. */
export function writeSlotVote(writer: Writer, { kind, signer, epoch, view, digest, signature }: SlotVote): Writer {
  return writer.u8(kind).u8(signer).u64(epoch).u64(view).bytes(fromHex(digest)).bytes(signature)
}

/** @throws CodecError for an unknown kind or short input */
export function readSlotVote(reader: Reader): SlotVote {
  const kind = readSlotKind(reader.u8())
  const [signer, epoch, view] = [reader.u8(), reader.u64(), reader.u64()]
  const digest = kind === KIND.nullify ? NO_DIGEST : toHex(reader.bytes(32))
  return { kind, signer, epoch, view, digest, signature: reader.bytes(64).slice() }
}

function readSlotKind(value: number): SlotKind {
  const known = SLOT_KINDS.find((kind) => kind === value)
  if (known === undefined) throw new CodecError('BRUME_CODEC_SHAPE', `${value} is no kind of vote on a slot`)
  return known
}

/** `[kind, slot, view, digest | empty, bitmap, signatures 64 x k by index]`, canonical CBOR. */
export function encodeSlotCertificate({ kind, epoch, view, digest, signers, signatures }: SlotCertificate): Uint8Array {
  return encode([kind, epoch, view, fromHex(digest), bitmapOf(signers), Buffer.concat(signatures)])
}

/** Form alone: weight and signatures are the committee's to judge. @throws CodecError */
export function decodeSlotCertificate(bytes: Uint8Array): SlotCertificate {
  const fields = asArray(decode(bytes, { bytesMax: CERTIFICATE_BYTES_MAX, itemsMax: 16 }), 'slot certificate', 6)
  const [kindField, epoch, view, digest, bitmap, signatures] = fields
  const kind = readSlotKind(asUint(kindField, 'kind', 255))
  const signers = readBitmap(asBytes(bitmap, 'bitmap', { min: 1, max: BITMAP_BYTES_MAX }))
  return {
    kind,
    epoch: asUint(epoch, 'slot'),
    view: asUint(view, 'view'),
    digest: toHex(asBytes(digest, 'digest', kind === KIND.nullify ? 0 : 32)),
    signers,
    signatures: splitSignatures(asBytes(signatures, 'signatures', signaturesBytes(signers)))
  }
}

/** Which result is asked for: `groupId 32 ‖ slot u64 ‖ digest 32`. */
export interface SlotValueRequest {
  readonly groupId: Uint8Array
  readonly slot: number
  /** SHA-256 of the result. */
  readonly digest: string
}

export function encodeSlotValueRequest({ groupId, slot, digest }: SlotValueRequest): Uint8Array {
  return new Writer(72).bytes(groupId).u64(slot).bytes(fromHex(digest)).finish()
}

/** @throws CodecError */
export function decodeSlotValueRequest(bytes: Uint8Array): SlotValueRequest {
  const reader = new Reader(bytes)
  const request = { groupId: reader.bytes(32).slice(), slot: reader.u64(), digest: toHex(reader.bytes(32)) }
  reader.end()
  return request
}
