import type { ChannelProtocol, RequestProtocol } from '@brume/ports'

/** Largest frame between members; a block travels in one. */
export const FRAME_BYTES_MAX = 49_152

/** Largest payload of a block: it must fit a frame, with its header and signature. */
export const PAYLOAD_BYTES_MAX = 40_960

/** Largest command; it must fit a payload beside others. */
export const COMMAND_BYTES_MAX = 32_768

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
