import { CodecError, type Reader, type Writer } from '@brume/codec'
import type { Vote } from '@brume/consensus'
import { readVote, writeVote } from './vote.ts'

/** The newest suffice: who lost its memory learns from one of them that it did. */
export const ECHO_VOTES_MAX = 64

/**
 * What a member holds of the receiver's own votes, newest views first; none is an answer too. Whoever
 * restarted learns from it whether its journal knows all it has said.
 */
export interface Echo {
  readonly epoch: number
  readonly votes: readonly Vote[]
}

/** `epoch u64 ‖ count u8 0..64 ‖ votes`. */
export function writeEcho(writer: Writer, { epoch, votes }: Echo): Writer {
  writer.u64(epoch).u8(votes.length)
  for (const vote of votes) writeVote(writer, vote)
  return writer
}

/** @throws CodecError, also for votes out of order, of another epoch, or of several signers */
export function readEcho(reader: Reader): Echo {
  const epoch = reader.u64()
  const count = reader.u8()
  if (count > ECHO_VOTES_MAX) throw new CodecError('BRUME_CODEC_RANGE', `${count} votes in an echo`)
  const votes = Array.from({ length: count }, () => readVote(reader))
  reader.end()
  votes.forEach((vote, i) => {
    const before = votes[i - 1] ?? vote
    const fits = vote.epoch === epoch && vote.signer === before.signer && vote.view <= before.view
    if (!fits) throw new CodecError('BRUME_CODEC_SHAPE', 'an echo is of one signer and epoch, newest views first')
  })
  return { epoch, votes }
}
