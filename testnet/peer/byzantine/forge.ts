import { asArray, asBytes, type CborValue, decode, encode, Reader, toHex, Writer } from '@brume/codec'
import { type Committee, KIND, NO_DIGEST, signedBytes, type Vote } from '@brume/consensus'
import { DOMAIN, hash, type Identity } from '@brume/crypto'
import { readVote, writeVote } from '@brume/protocols/quorum'

/** Frame types of quorum.md 7. */
export const VOTES = 1
export const PROPOSE = 2
export const COMMAND = 4
/** `type u8 ‖ handle u16`, and in Votes `currentView u64 ‖ lastFinalized u64`. */
const HEAD_BYTES = 3
const VOTES_HEAD_BYTES = HEAD_BYTES + 16
const BLOCK_BYTES_MAX = 1_048_576
/** Places in a header, quorum.md 4. */
const HEADER = { epoch: 2, view: 3, parentView: 5, bodyDigest: 7, bodyBytes: 8 } as const
/** The frame's own limit (quorum.md 7). */
const VOTES_PER_FRAME_MAX = 64

/** A member that signs whatever it is told to, with its own key. */
export interface Forger {
  readonly committee: Committee
  readonly identity: Identity
}

/** The votes of a Votes frame. */
export function votesOf(frame: Uint8Array): readonly Vote[] {
  const reader = new Reader(frame.subarray(VOTES_HEAD_BYTES))
  return Array.from({ length: reader.u8() }, () => readVote(reader))
}

/** The same frame with these votes in place of its own. */
export function withVotes(frame: Uint8Array, votes: readonly Vote[]): Uint8Array {
  const kept = votes.slice(0, VOTES_PER_FRAME_MAX)
  const writer = new Writer().bytes(frame.subarray(0, VOTES_HEAD_BYTES)).u8(kept.length)
  for (const vote of kept) writeVote(writer, vote)
  return writer.finish()
}

export function signVote({ committee, identity }: Forger, vote: Vote): Vote {
  return { ...vote, signature: identity.sign(signedBytes(committee, vote)) }
}

/** What an honest member that cast this vote would never sign: another block, or the view given up besides. */
export function oppositesOf(forger: Forger, vote: Vote): readonly Vote[] {
  if (vote.kind === KIND.nullify) return []
  const other = { ...vote, digest: toHex(hash(DOMAIN.quorumBlock, Buffer.from(vote.digest, 'hex'))) }
  const nullify = { ...vote, kind: KIND.nullify, parentView: 0, digest: NO_DIGEST }
  const opposites = vote.kind === KIND.finalize ? [other, nullify] : [other]
  return opposites.map((one) => signVote(forger, one))
}

/** Flips one bit of a signature. */
export function spoil(vote: Vote): Vote {
  const signature = Uint8Array.from(vote.signature)
  signature[0] = (signature[0] ?? 0) ^ 1
  return { ...vote, signature }
}

/** A proposal in its signed form, and what it says of itself. */
export interface SeenProposal {
  readonly epoch: number
  readonly view: number
  readonly parentView: number
  /** Hex. */
  readonly digest: string
  readonly header: readonly CborValue[]
  readonly payload: CborValue
}

/** Undefined for a frame that is no whole proposal. */
export function proposalOf(frame: Uint8Array): SeenProposal | undefined {
  try {
    const parts = asArray(decode(frame.subarray(HEAD_BYTES), { bytesMax: BLOCK_BYTES_MAX }), 'proposal', 3)
    const bytes = asBytes(parts[0] ?? null, 'header', { min: 1, max: 512 })
    const header = asArray(decode(bytes, { bytesMax: 512 }), 'header', { min: 9, max: 16 })
    const at = (index: number): number => Number(header[index] ?? 0)
    const [epoch, view, parentView] = [at(HEADER.epoch), at(HEADER.view), at(HEADER.parentView)]
    const digest = toHex(hash(DOMAIN.quorumBlock, bytes))
    return { epoch, view, parentView, digest, header, payload: parts[2] ?? null }
  } catch {
    return undefined
  }
}

export interface Twin {
  readonly digest: string
  readonly header: Uint8Array
  readonly payload: Uint8Array
}

/**
 * Another block for the same place, as valid as the first: its group time is a millisecond later. Undefined where
 * the payload does not travel with the header.
 */
export function twinOf({ header, payload }: SeenProposal): Twin | undefined {
  try {
    const [version, timeMs, commands] = asArray(
      decode(payload as Uint8Array, { bytesMax: BLOCK_BYTES_MAX }),
      'payload',
      3
    )
    const otherPayload = encode([version ?? null, Number(timeMs) + 1, commands ?? null])
    const fields = [...header]
    fields[HEADER.bodyDigest] = hash(DOMAIN.quorumBody, otherPayload)
    fields[HEADER.bodyBytes] = otherPayload.length
    const otherHeader = encode(fields)
    return { digest: toHex(hash(DOMAIN.quorumBlock, otherHeader)), header: otherHeader, payload: otherPayload }
  } catch {
    return undefined
  }
}

/** The frame that proposes the twin, signed as its leader signs. */
export function proposeTwin(forger: Forger, frame: Uint8Array, seen: SeenProposal, twin: Twin): Uint8Array {
  const { epoch, view, parentView } = seen
  const statement = { kind: KIND.notarize, epoch, view, parentView, digest: twin.digest }
  const signature = forger.identity.sign(signedBytes(forger.committee, statement))
  const body = encode([twin.header, signature, twin.payload])
  return new Writer().bytes(frame.subarray(0, HEAD_BYTES)).bytes(body).finish()
}

/** The same proposal under a signature that does not hold. */
export function spoilProposal(frame: Uint8Array): Uint8Array {
  const parts = asArray(decode(frame.subarray(HEAD_BYTES), { bytesMax: BLOCK_BYTES_MAX }), 'proposal', 3)
  const signature = Uint8Array.from(asBytes(parts[1] ?? null, 'signature', 64))
  signature[0] = (signature[0] ?? 0) ^ 1
  const body = encode([parts[0] ?? null, signature, parts[2] ?? null])
  return new Writer().bytes(frame.subarray(0, HEAD_BYTES)).bytes(body).finish()
}

export function commandOf(frame: Uint8Array): Uint8Array {
  return frame.subarray(HEAD_BYTES)
}
