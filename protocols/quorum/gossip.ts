import { CodecError, toHex } from '@brume/codec'

/** What is gossiped in a group beyond its members' streams. */
export const GOSSIP = { evidence: 1 } as const
export type GossipType = (typeof GOSSIP)[keyof typeof GOSSIP]

/** One topic for all epochs of a group. */
export const gossipTopic = (groupId: Uint8Array): string => `brume/quorum/${toHex(groupId)}`

/** `type u8 ‖ content`. */
export function encodeGossip(type: GossipType, content: Uint8Array): Uint8Array {
  return Uint8Array.from([type, ...content])
}

/** @throws CodecError */
export function readGossip(bytes: Uint8Array): { readonly type: GossipType; readonly content: Uint8Array } {
  const [type] = bytes
  if (type !== GOSSIP.evidence) throw new CodecError('BRUME_CODEC_SHAPE', `${type} is no type of gossip`)
  return { type, content: bytes.subarray(1) }
}
