import { type Committee, certifies } from './committee.ts'
import type { Statement, Vote } from './statement.ts'

/** Signatures of a quorum over one statement; checkable by anybody who knows the committee. */
export interface Certificate extends Statement {
  /** Ascending member indices, and the signature of each in the same order. */
  readonly signers: readonly number[]
  readonly signatures: readonly Uint8Array[]
}

/** Assembles a certificate from votes for one statement by distinct signers. */
export function certify(votes: readonly Vote[]): Certificate {
  const isOrdered = votes.every(({ signer }, i) => i === 0 || signer > (votes[i - 1]?.signer ?? -1))
  const ordered = isOrdered ? votes : votes.toSorted((a, b) => a.signer - b.signer)
  const [first] = ordered
  if (first === undefined) throw new RangeError('a certificate needs votes')
  const { kind, epoch, view, parentView, digest } = first
  return {
    kind,
    epoch,
    view,
    parentView,
    digest,
    signers: ordered.map(({ signer }) => signer),
    signatures: ordered.map(({ signature }) => signature)
  }
}

/** The votes inside, as if each had been received alone. */
export function votesOf(certificate: Certificate): readonly Vote[] {
  const { kind, epoch, view, parentView, digest, signers, signatures } = certificate
  return signers.map((signer, i) => ({
    kind,
    epoch,
    view,
    parentView,
    digest,
    signer,
    signature: signatures[i] ?? new Uint8Array(64)
  }))
}

/**
 * Everything about a certificate but its signatures: epoch, ascending known signers, one signature
 * each, and what its kind needs of weight and diversity.
 *
 * @param decides - what that is, given distinct signers
 */
export function isWellFormed(committee: Committee, certificate: Certificate, decides = certifies): boolean {
  const { signers, signatures } = certificate
  return (
    certificate.epoch === committee.epoch &&
    signers.length === signatures.length &&
    signers.every((signer, i) => signer < committee.members.length && signer > (signers[i - 1] ?? -1)) &&
    decides(committee, certificate.kind, signers)
  )
}
