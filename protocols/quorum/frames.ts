import {
  asArray,
  asBoolean,
  asBytes,
  asUint,
  CodecError,
  decode,
  encode,
  fromHex,
  Reader,
  toHex,
  Writer
} from '@brume/codec'
import type { Certificate, Proposal, Vote, VoteKind } from '@brume/consensus'
import { ATTEST, type Attestation, readAttestation, writeAttestation } from './attestation.ts'
import { decodeSignedBlock, encodeSignedBlock } from './block.ts'
import { decodeCertificate, encodeCertificate } from './certificate.ts'
import { CHECKPOINT, type CheckpointVote, readCheckpointVote, writeCheckpointVote } from './checkpoint.ts'
import { type Echo, readEcho, writeEcho } from './echo.ts'
import { COMMAND_BYTES_MAX } from './id.ts'
import { encodeOutline, type Outline, readOutline } from './outline.ts'
import { readKind, readVote, writeVote } from './vote.ts'

/** Votes of one frame: a turn's worth; more go in the next. */
export const VOTES_PER_FRAME_MAX = 64

/** Groups two peers may share: the handle table of a stream is bounded by it. */
export const GROUPS_MAX = 64

/** Handles of one stream: of a group that changes its epoch two are in use. */
const HANDLES_MAX = 2 * GROUPS_MAX

const HELLO_VERSION = 1
const HELLO_BYTES_MAX = 8_192

export const FRAME = {
  votes: 1,
  propose: 2,
  certificate: 3,
  command: 4,
  status: 5,
  request: 6,
  hello: 7,
  echo: 8,
  outcomes: 9,
  outline: 10,
  offer: 11
} as const

/** Where its sender is: the view it is in and the newest view it finalized. Goes along with every vote. */
export interface Watermark {
  readonly view: number
  readonly final: number
}

/** Votes on what was executed: they decide nothing about the order, so the reducer never sees them. */
export interface Outcomes {
  readonly checkpoints: readonly CheckpointVote[]
  readonly attestations: readonly Attestation[]
}

/** What travels inside a group. */
export type Frame =
  | ({ readonly type: 'votes'; readonly votes: readonly Vote[] } & Watermark)
  | { readonly type: 'propose'; readonly proposal: Proposal; readonly signature: Uint8Array }
  | { readonly type: 'certificate'; readonly certificate: Certificate }
  /** A block whose commands are to be had by their ids. */
  | { readonly type: 'outline'; readonly outline: Outline }
  | { readonly type: 'command'; readonly command: Uint8Array }
  /** The sender has a command of so many bytes, which is to be had by its id, lower-case hex. */
  | { readonly type: 'offer'; readonly id: string; readonly bytes: number }
  | ({ readonly type: 'status'; readonly epoch: number; readonly height: number } & Watermark)
  | {
      readonly type: 'request'
      readonly epoch: number
      readonly view: number
      readonly want: 0 | VoteKind | typeof ATTEST
    }
  /** What executing blocks came to at the sender. */
  | ({ readonly type: 'outcomes' } & Outcomes)
  | ({ readonly type: 'echo' } & Echo)

/** A group as it is announced on a stream: from then on the sender calls it by `handle`. */
export interface Greeting {
  readonly groupId: Uint8Array
  readonly epoch: number
  readonly handle: number
  /** The sender asks for an echo: its process is new, and only others can tell whether its journal is whole. */
  readonly restarted: boolean
}

/** `type u8 ‖ handle u16 ‖ content`, big-endian. */
export function encodeFrame(handle: number, frame: Frame): Uint8Array {
  const writer = new Writer(512).u8(FRAME[frame.type]).u16(handle)
  switch (frame.type) {
    case 'votes':
      writer.u64(frame.view).u64(frame.final).u8(frame.votes.length)
      for (const vote of frame.votes) writeVote(writer, vote)
      return writer.finish()
    case 'propose':
      return writer.bytes(encodeSignedBlock(frame.proposal, frame.signature)).finish()
    case 'outline':
      return writer.bytes(encodeOutline(frame.outline)).finish()
    case 'offer':
      return writer.bytes(fromHex(frame.id)).u32(frame.bytes).finish()
    case 'certificate':
      return writer.bytes(encodeCertificate(frame.certificate)).finish()
    case 'command':
      return writer.bytes(frame.command).finish()
    case 'status':
      return writer.u64(frame.epoch).u64(frame.view).u64(frame.final).u64(frame.height).finish()
    case 'request':
      return writer.u64(frame.epoch).u64(frame.view).u8(frame.want).finish()
    case 'outcomes':
      writer.u8(frame.checkpoints.length + frame.attestations.length)
      for (const vote of frame.checkpoints) writeCheckpointVote(writer, vote)
      for (const vote of frame.attestations) writeAttestation(writer, vote)
      return writer.finish()
    case 'echo':
      return writeEcho(writer, frame).finish()
  }
}

export function encodeHello(greetings: readonly Greeting[]): Uint8Array {
  const list = greetings.map(({ groupId, epoch, handle, restarted }) => [groupId, epoch, handle, restarted])
  return new Writer()
    .u8(FRAME.hello)
    .u16(0)
    .bytes(encode([HELLO_VERSION, list]))
    .finish()
}

/** The first three bytes: what a frame is, and of which group. @throws CodecError */
export function readEnvelope(bytes: Uint8Array): { type: number; handle: number; content: Uint8Array } {
  const reader = new Reader(bytes)
  return { type: reader.u8(), handle: reader.u16(), content: reader.rest() }
}

/** @throws CodecError */
export function readHello(content: Uint8Array): readonly Greeting[] {
  const [version, list] = asArray(decode(content, { bytesMax: HELLO_BYTES_MAX }), 'hello', 2)
  asUint(version, 'hello version', HELLO_VERSION, HELLO_VERSION)
  return asArray(list, 'groups', { min: 0, max: HANDLES_MAX }).map((item) => {
    const [groupId, epoch, handle, restarted] = asArray(item, 'group', 4)
    return {
      groupId: asBytes(groupId, 'groupId', 32),
      epoch: asUint(epoch, 'epoch'),
      handle: asUint(handle, 'handle', 0xffff),
      restarted: asBoolean(restarted, 'restarted')
    }
  })
}

/**
 * The content of a frame whose group is known.
 *
 * @throws CodecError, BlockError for anything that is not exactly one frame
 */
export function readFrame(groupId: Uint8Array, type: number, content: Uint8Array): Frame {
  switch (type) {
    case FRAME.votes:
      return readVotes(new Reader(content))
    case FRAME.propose:
      return { type: 'propose', ...decodeSignedBlock(groupId, content) }
    case FRAME.outline:
      return { type: 'outline', outline: readOutline(groupId, content) }
    case FRAME.offer:
      return readOffer(new Reader(content))
    case FRAME.certificate:
      return { type: 'certificate', certificate: decodeCertificate(content) }
    case FRAME.command:
      return { type: 'command', command: readCommand(content) }
    case FRAME.status:
      return readStatus(new Reader(content))
    case FRAME.request:
      return readRequest(new Reader(content))
    case FRAME.outcomes:
      return readOutcomes(new Reader(content))
    case FRAME.echo:
      return { type: 'echo', ...readEcho(new Reader(content)) }
    default:
      throw new CodecError('BRUME_CODEC_SHAPE', `${type} is no type of frame`)
  }
}

function readVotes(reader: Reader): Frame {
  const view = reader.u64()
  const final = reader.u64()
  const count = reader.u8()
  if (count < 1 || count > VOTES_PER_FRAME_MAX) throw new CodecError('BRUME_CODEC_RANGE', `${count} votes in a frame`)
  const votes = Array.from({ length: count }, () => readVote(reader))
  reader.end()
  return { type: 'votes', view, final, votes }
}

function readCommand(content: Uint8Array): Uint8Array {
  return asBytes(content, 'command', { min: 1, max: COMMAND_BYTES_MAX })
}

function readOffer(reader: Reader): Frame {
  const id = toHex(reader.bytes(32))
  const bytes = reader.u32()
  if (bytes < 1 || bytes > COMMAND_BYTES_MAX) throw new CodecError('BRUME_CODEC_RANGE', `a command of ${bytes} bytes`)
  reader.end()
  return { type: 'offer', id, bytes }
}

function readStatus(reader: Reader): Frame {
  const status = { epoch: reader.u64(), view: reader.u64(), final: reader.u64(), height: reader.u64() }
  reader.end()
  return { type: 'status', ...status }
}

function readRequest(reader: Reader): Frame {
  const epoch = reader.u64()
  const view = reader.u64()
  const want = reader.u8()
  reader.end()
  return { type: 'request', epoch, view, want: want === 0 || want === ATTEST ? want : readKind(want) }
}

/** Checkpoints first, then attestations: one order for one content. */
function readOutcomes(reader: Reader): Frame {
  const count = reader.u8()
  if (count < 1 || count > VOTES_PER_FRAME_MAX)
    throw new CodecError('BRUME_CODEC_RANGE', `${count} outcomes in a frame`)
  const checkpoints: CheckpointVote[] = []
  const attestations: Attestation[] = []
  for (let i = 0; i < count; i++) {
    const kind = reader.u8()
    if (kind === CHECKPOINT && attestations.length === 0) checkpoints.push(readCheckpointVote(reader))
    else if (kind === ATTEST) attestations.push(readAttestation(reader))
    else throw new CodecError('BRUME_CODEC_SHAPE', `${kind} is no kind of outcome here`)
  }
  reader.end()
  return { type: 'outcomes', checkpoints, attestations }
}
