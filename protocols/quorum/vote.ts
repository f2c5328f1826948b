import { CodecError, fromHex, type Reader, toHex, type Writer } from '@brume/codec'
import { KIND, NO_DIGEST, type Vote, type VoteKind } from '@brume/consensus'

/**
 * A vote in its fixed form, big-endian: `kind u8 ‖ signer u8 ‖ epoch u64 ‖ view u64 ‖ tail ‖ signature 64`;
 * the tail is `parentView u64 ‖ blockDigest 32`, and nothing for nullify: 122 or 82 bytes.
 */
export function writeVote(writer: Writer, vote: Vote): Writer {
  writer.u8(vote.kind).u8(vote.signer).u64(vote.epoch).u64(vote.view)
  if (vote.kind !== KIND.nullify) writer.u64(vote.parentView).bytes(fromHex(vote.digest))
  return writer.bytes(vote.signature)
}

/** @throws CodecError for an unknown kind or short input */
export function readVote(reader: Reader): Vote {
  const kind = readKind(reader.u8())
  const signer = reader.u8()
  const epoch = reader.u64()
  const view = reader.u64()
  const names = kind !== KIND.nullify
  const parentView = names ? reader.u64() : 0
  const digest = names ? toHex(reader.bytes(32)) : NO_DIGEST
  return { kind, signer, epoch, view, parentView, digest, signature: reader.bytes(64).slice() }
}

export function readKind(value: number): VoteKind {
  if (value === KIND.notarize || value === KIND.nullify || value === KIND.finalize) return value
  throw new CodecError('BRUME_CODEC_SHAPE', `${value} is no kind of vote`)
}
