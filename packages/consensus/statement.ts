import { DOMAIN } from '@brume/crypto'
import type { Committee } from './committee.ts'

/** What a member can say about a view. The numbers are on the wire and in the journal. */
export const KIND = { notarize: 1, nullify: 2, finalize: 3 } as const
export type VoteKind = (typeof KIND)[keyof typeof KIND]
export const KINDS: readonly VoteKind[] = [KIND.notarize, KIND.nullify, KIND.finalize]

/** SHA-256 in lower-case hex: a value that compares by `===` and freezes, unlike bytes. */
export type Digest = string

/** The digest of a nullify vote, which names no block. */
export const NO_DIGEST: Digest = ''

/** What is signed, without who signed it. `parentView` and `digest` are 0 and empty for nullify. */
export interface Statement {
  readonly kind: VoteKind
  readonly epoch: number
  readonly view: number
  readonly parentView: number
  readonly digest: Digest
}

export interface Vote extends Statement {
  /** Index in the committee. */
  readonly signer: number
  /** Ed25519, 64 bytes. */
  readonly signature: Uint8Array
}

const DOMAIN_OF: Readonly<Record<VoteKind, string>> = {
  [KIND.notarize]: DOMAIN.quorumNotarize,
  [KIND.nullify]: DOMAIN.quorumNullify,
  [KIND.finalize]: DOMAIN.quorumFinalize
}

export function sameStatement(a: Statement, b: Statement): boolean {
  return (
    a.digest === b.digest &&
    a.view === b.view &&
    a.kind === b.kind &&
    a.parentView === b.parentView &&
    a.epoch === b.epoch
  )
}

/**
 * May one honest signer say both about one view? Notarize goes with either of the others; nullify and
 * finalize exclude each other, and so do two different statements of one kind.
 */
export function contradicts(a: Statement, b: Statement): boolean {
  if (a.view !== b.view || a.epoch !== b.epoch) return false
  if (a.kind === b.kind) return !sameStatement(a, b)
  return a.kind !== KIND.notarize && b.kind !== KIND.notarize
}

/**
 * The bytes a member signs: `domain ‖ 0x00 ‖ groupId 32 ‖ epoch u64 ‖ committeeHash 32 ‖ view u64`,
 * then, but for nullify, `parentView u64 ‖ blockDigest 32`. Integers big-endian.
 */
export function signedBytes(committee: Committee, statement: Statement): Uint8Array {
  const domain = DOMAIN_OF[statement.kind]
  const start = domain.length + 1
  const bytes = Buffer.alloc(start + 80 + (statement.kind === KIND.nullify ? 0 : 40))
  bytes.write(domain, 'latin1')
  bytes.set(committee.groupId, start)
  writeU64(bytes, statement.epoch, start + 32)
  bytes.set(committee.hash, start + 40)
  writeU64(bytes, statement.view, start + 72)
  if (statement.kind !== KIND.nullify) {
    writeU64(bytes, statement.parentView, start + 80)
    bytes.write(statement.digest, start + 88, 'hex')
  }
  return bytes
}

/** Twice as fast as writeBigUInt64BE, and views stay below 2^53. */
function writeU64(bytes: Buffer, value: number, offset: number): void {
  bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), offset)
  bytes.writeUInt32BE(value % 0x1_0000_0000, offset + 4)
}
