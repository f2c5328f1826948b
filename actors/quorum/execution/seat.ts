import type { Committee } from '@brume/consensus'
import { verify, verifyAsync } from '@brume/crypto'
import type { Outcomes } from '@brume/protocols/quorum'

/** Signatures checked in the turn they are needed in (0.1 ms each); more go to the thread pool. */
const VERIFY_INLINE_MAX = 8

/** This peer among the members of one epoch: who they are, and how what was executed is told to them. */
export interface Seat {
  readonly committee: Committee
  /** Own index; null for an observer. */
  readonly self: number | null
  /** Ed25519 with the own key. */
  sign(message: Uint8Array): Uint8Array
  tell(to: number | 'all', outcomes: Outcomes): void
  /** Asks all members for their attestation of this view. */
  ask(view: number): void
}

export interface Signed {
  readonly signer: number
  readonly signature: Uint8Array
}

/** Those of the votes whose signatures over the message are wrong; few are checked at once, many meanwhile. */
export function findForged<T extends Signed>(
  { members }: Committee,
  message: Uint8Array,
  votes: readonly T[],
  found: (forged: readonly T[]) => void
): void {
  const keys = votes.map(({ signer }) => members[signer]?.key ?? new Uint8Array(0))
  const none = new Uint8Array(0)
  if (votes.length <= VERIFY_INLINE_MAX) {
    return found(votes.filter(({ signature }, i) => !verify(keys[i] ?? none, message, signature)))
  }
  const checks = votes.map(({ signature }, i) => verifyAsync(keys[i] ?? none, message, signature))
  void Promise.all(checks).then((valid) => found(votes.filter((_, i) => valid[i] !== true)))
}
