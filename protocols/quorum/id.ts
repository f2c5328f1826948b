import type { ChannelProtocol, RequestProtocol } from '@brume/ports'

/** Largest frame between members: a small block, or a large one with the ids of its commands. */
export const FRAME_BYTES_MAX = 49_152

/** Largest payload of a block. */
export const PAYLOAD_BYTES_MAX = 131_072

/** A block with its header and signature, as it is journaled, stored and fetched. */
export const BLOCK_BYTES_MAX = PAYLOAD_BYTES_MAX + 1_024

/** Largest command; it must fit a payload beside others. */
export const COMMAND_BYTES_MAX = 98_304

/** Votes, blocks, certificates and commands: one stream a pair and direction, shared by all groups of the two. */
export const QUORUM_PROTOCOL: ChannelProtocol = {
  id: '/brume/quorum/1.0.0',
  class: 'control',
  frameBytesMax: FRAME_BYTES_MAX
}

/** One answer of blocks: the longest unfinalized chain of largest blocks, with room. */
export const SYNC_ANSWER_BYTES_MAX = 2_097_152

/** Blocks by height, one request a stream, so that bulk never delays votes. */
export const SYNC_PROTOCOL: RequestProtocol = {
  id: '/brume/quorum-sync/1.0.0',
  requestBytesMax: 128,
  answerBytesMax: SYNC_ANSWER_BYTES_MAX
}

/** Commands by id: a request names up to 1,024, an answer has what fits. */
export const COMMANDS_PROTOCOL: RequestProtocol = {
  id: '/brume/quorum-commands/1.0.0',
  requestBytesMax: 36_864,
  answerBytesMax: 1_048_576
}
