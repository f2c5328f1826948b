import { DOMAIN, signedMessage } from '@brume/crypto'
import type { Committee } from '../committee.ts'
import { type Digest, KIND, signedBytes, type VoteKind } from '../statement.ts'

/** A replica's result: what the notarize vote is in the leaderless view 0. */
export const RESULT = 5
export type SlotKind = VoteKind | typeof RESULT

/**
 * What is decided when no result can win: enough replicas differ. No bytes are known whose hash this is, and
 * nobody may claim to have computed it.
 */
export const DISAGREE: Digest = 'f'.repeat(64)

export interface SlotStatement {
  readonly kind: SlotKind
  /** The slot's number, in the place of the epoch of a log group. */
  readonly epoch: number
  readonly view: number
  /** The result's, 32 bytes in hex; empty for nullify. */
  readonly digest: Digest
}

export interface SlotVote extends SlotStatement {
  readonly signer: number
  readonly signature: Uint8Array
}

/** Signatures of a quorum over one statement. */
export interface SlotCertificate extends SlotStatement {
  readonly signers: readonly number[]
  readonly signatures: readonly Uint8Array[]
}

/** What a vote does for its view: a result notarizes view 0, as kind 1 does every later one. */
export function roleOf(kind: SlotKind): VoteKind {
  return kind === RESULT ? KIND.notarize : kind
}

/** The kind that notarizes in this view. */
export function notarizeKind(view: number): SlotKind {
  return view === 0 ? RESULT : KIND.notarize
}

export function sameSlotStatement(a: SlotStatement, b: SlotStatement): boolean {
  return a.digest === b.digest && a.view === b.view && a.kind === b.kind && a.epoch === b.epoch
}

/** No honest member says both of one view: two results, two finalizations, or nullify and finalize. */
export function contradictsInSlot(a: SlotStatement, b: SlotStatement): boolean {
  if (a.view !== b.view || a.epoch !== b.epoch) return false
  if (a.kind === b.kind) return a.digest !== b.digest
  return roleOf(a.kind) !== KIND.notarize && roleOf(b.kind) !== KIND.notarize
}

/** Has it the form of its kind: a result only in view 0, a digest unless it nullifies, and never DISAGREE computed. */
export function isInForm({ kind, view, digest }: SlotStatement): boolean {
  if (roleOf(kind) === KIND.notarize && kind !== notarizeKind(view)) return false
  if (kind === RESULT && digest === DISAGREE) return false
  return (kind === KIND.nullify) === (digest === '')
}

/**
 * The bytes a member signs: as for a block, with 0 for the parent's view; for a result `brume/quorum-result/1 ‖
 * 0x00 ‖ groupId 32 ‖ slot u64 ‖ committeeHash 32 ‖ view u64 ‖ resultDigest 32`. Integers big-endian.
 */
export function signedSlotBytes(committee: Committee, { kind, epoch, view, digest }: SlotStatement): Uint8Array {
  if (kind !== RESULT) return signedBytes(committee, { kind, epoch, view, digest, parentView: 0 })
  return signedMessage(
    DOMAIN.quorumResult,
    committee.groupId,
    u64(epoch),
    committee.hash,
    u64(view),
    Buffer.from(digest, 'hex')
  )
}

function u64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
