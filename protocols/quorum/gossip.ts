import { CodecError, Reader, toHex, Writer } from '@brume/codec'
import { KIND } from '@brume/consensus'
import { encodeFrame, FRAME, type Frame, readEnvelope, readFrame } from './frames.ts'
import { INLINE_COMMAND_BYTES_MAX } from './outline.ts'
import { type Presence, readPresence, writePresence } from './presence.ts'

/** What is gossiped in a group beyond its members' streams. */
export const GOSSIP = {
  evidence: 1,
  votes: 2,
  propose: 3,
  outline: 4,
  certificate: 5,
  command: 6,
  presence: 7
} as const

/** One turn's votes fit, and whoever relays them checks them within a millisecond; 997 bytes may still be flooded. */
export const GOSSIP_VOTES_MAX = 8

/** Bit 0: the publisher is connected to all members, so nobody need relay. */
const DIRECT = 1

/** Frames that make sense from whoever they come: all of them are signed. */
export type GossipFrame = Extract<Frame, { type: Exclude<keyof typeof GOSSIP, 'evidence' | 'presence'> }>

export interface Attempt {
  /** u16; rises with each resend, because identical bytes vanish for 120 s. */
  readonly attempt: number
  readonly isDirect: boolean
}

export type Gossip =
  | { readonly type: 'evidence'; readonly content: Uint8Array }
  | ({ readonly type: 'frame'; readonly frame: GossipFrame } & Attempt)
  | { readonly type: 'presence'; readonly attempt: number; readonly presence: Presence }

/** One topic for all epochs of a group. */
export const gossipTopic = (groupId: Uint8Array): string => `brume/quorum/${toHex(groupId)}`

/** `type u8 ‖ content`. */
export function encodeGossip(type: typeof GOSSIP.evidence, content: Uint8Array): Uint8Array {
  return Uint8Array.from([type, ...content])
}

/** `type u8 ‖ attempt u16 ‖ flags u8 ‖ content`, the content as in a frame of that type. */
export function encodeGossipFrame({ attempt, isDirect }: Attempt, frame: GossipFrame): Uint8Array {
  const { content } = readEnvelope(encodeFrame(0, frame))
  const writer = new Writer(content.length + 4).u8(GOSSIP[frame.type])
  return writer
    .u16(attempt)
    .u8(isDirect ? DIRECT : 0)
    .bytes(content)
    .finish()
}

/** `type u8 ‖ attempt u16 ‖ content`. */
export function encodeGossipPresence(attempt: number, presence: Presence): Uint8Array {
  return writePresence(new Writer(80).u8(GOSSIP.presence).u16(attempt), presence).finish()
}

/**
 * Votes are of one signer and at most 8, certificates are finalizations, commands have at most 8 KiB.
 *
 * @throws CodecError, BlockError
 */
export function readGossip(groupId: Uint8Array, bytes: Uint8Array): Gossip {
  const reader = new Reader(bytes)
  const type = reader.u8()
  if (type === GOSSIP.evidence) return { type: 'evidence', content: reader.rest() }
  const attempt = reader.u16()
  if (type === GOSSIP.presence) return { type: 'presence', attempt, presence: readPresence(reader) }
  const name = NAMES.get(type)
  if (name === undefined) throw new CodecError('BRUME_CODEC_SHAPE', `${type} is no type of gossip`)
  const flags = reader.u8()
  if (flags > DIRECT) throw new CodecError('BRUME_CODEC_SHAPE', `gossip has no such flags: ${flags}`)
  const frame = readFrame(groupId, FRAME[name], reader.rest()) as GossipFrame
  requireFit(frame)
  return { type: 'frame', attempt, isDirect: flags === DIRECT, frame }
}

const NAMES: ReadonlyMap<number, GossipFrame['type']> = new Map(
  (['votes', 'propose', 'outline', 'certificate', 'command'] as const).map((name) => [GOSSIP[name], name])
)

function requireFit(frame: GossipFrame): void {
  if (frame.type === 'votes') {
    const [first] = frame.votes
    if (frame.votes.length > GOSSIP_VOTES_MAX || frame.votes.some(({ signer }) => signer !== first?.signer))
      throw new CodecError('BRUME_CODEC_RANGE', `gossiped votes are of one signer and at most ${GOSSIP_VOTES_MAX}`)
  }
  if (frame.type === 'certificate' && frame.certificate.kind !== KIND.finalize)
    throw new CodecError('BRUME_CODEC_SHAPE', 'of certificates only finalizations are gossiped')
  if (frame.type === 'command' && frame.command.length > INLINE_COMMAND_BYTES_MAX)
    throw new CodecError('BRUME_CODEC_RANGE', `a gossiped command has at most ${INLINE_COMMAND_BYTES_MAX} bytes`)
}
