import { asArray, asBytes, asUint, decode } from '@brume/codec'
import { hash, NOTARIZE, NULLIFY, type SignedStatement, u64 } from './statement.ts'

/** Frame types and layouts of quorum.md section 7: `type u8 ‖ handle u16 ‖ content`. */
const VOTES = 1
const PROPOSE = 2
const CONTENT_AT = 3
/** currentView u64, lastFinalized u64, count u8. */
const VOTES_HEAD_BYTES = 17
/** kind u8, signer u8, epoch u64, view u64. */
const VOTE_HEAD_BYTES = 18
const TAIL_BYTES = 40
const SIGNATURE_BYTES = 64
const FRAME_BYTES_MAX = 1_048_576
/** Of a block's header. */
const FLAG_CLOSING = 1

/** A block as its proposal names it, and the leader's own notarize, which is the proposal's signature. */
export interface SeenBlock {
  readonly epoch: number
  readonly view: number
  readonly height: number
  readonly digest: string
  readonly parent: string
  readonly commands: number
  /** The last block of its epoch that counts: only empty ones follow it there, to make it final. */
  readonly isClosing: boolean
  readonly notarize: Omit<SignedStatement, 'signer'>
}

export interface SeenFrame {
  readonly votes: readonly SignedStatement[]
  readonly block: SeenBlock | undefined
}

/** One vote in its fixed form, and where it ends. Throws RangeError on short input. */
export function readVoteAt(bytes: Buffer, at: number): { readonly vote: SignedStatement; readonly end: number } {
  const kind = bytes.readUInt8(at)
  const tailAt = at + VOTE_HEAD_BYTES
  const signatureAt = tailAt + (kind === NULLIFY ? 0 : TAIL_BYTES)
  const end = signatureAt + SIGNATURE_BYTES
  if (end > bytes.length) throw new RangeError('a vote is cut short')
  const vote = {
    kind,
    signer: bytes.readUInt8(at + 1),
    epoch: Number(bytes.readBigUInt64BE(at + 2)),
    view: Number(bytes.readBigUInt64BE(at + 10)),
    tail: bytes.toString('hex', tailAt, signatureAt),
    signature: bytes.toString('hex', signatureAt, end)
  }
  return { vote, end }
}

function readVotes(bytes: Buffer): readonly SignedStatement[] {
  const count = bytes.readUInt8(CONTENT_AT + VOTES_HEAD_BYTES - 1)
  const votes: SignedStatement[] = []
  let at = CONTENT_AT + VOTES_HEAD_BYTES
  for (let i = 0; i < count; i++) {
    const { vote, end } = readVoteAt(bytes, at)
    votes.push(vote)
    at = end
  }
  return votes
}

/** `[header, signature, payload]`; header `[1, groupId, epoch, view, height, parentView, parentDigest, bodyDigest, bodyBytes, commandCount, flags, ...]` (quorum.md 4). */
export function readBlock(signedBlock: Uint8Array): SeenBlock {
  const parts = asArray(decode(signedBlock, { bytesMax: FRAME_BYTES_MAX }), 'proposal', 3)
  const header = asBytes(parts[0] ?? null, 'header', { min: 1, max: 512 })
  const signature = asBytes(parts[1] ?? null, 'signature', SIGNATURE_BYTES)
  const fields = asArray(decode(header, { bytesMax: 512 }), 'header', { min: 11, max: 16 })
  const numbers = [2, 3, 4, 5, 9, 10].map((i) => asUint(fields[i] ?? null, 'header'))
  const [epoch = 0, view = 0, height = 0, parentView = 0, commands = 0, flags = 0] = numbers
  const parent = Buffer.from(asBytes(fields[6] ?? null, 'header', 32)).toString('hex')
  const digest = hash('brume/quorum-block/1', header)
  const tail = Buffer.concat([u64(parentView), digest]).toString('hex')
  const notarize = { kind: NOTARIZE, epoch, view, tail, signature: Buffer.from(signature).toString('hex') }
  const isClosing = (flags & FLAG_CLOSING) !== 0
  return { epoch, view, height, digest: digest.toString('hex'), parent, commands, isClosing, notarize }
}

/** What a tapped frame says; undefined for one that is neither votes nor a proposal, or is malformed. */
export function readTapped(frame: Buffer): SeenFrame | undefined {
  try {
    if (frame[0] === VOTES) return { votes: readVotes(frame), block: undefined }
    if (frame[0] === PROPOSE) return { votes: [], block: readBlock(frame.subarray(CONTENT_AT)) }
  } catch {
    // A frame that the receiver had to refuse as well: it voted for nothing.
  }
  return undefined
}
