import { equal } from '@brume/codec'
import { leaderOf, type Proposal } from '@brume/consensus'
import { bodyOf, isClosing, type Pace, type Turn } from '@brume/protocols/quorum'
import type { Draws } from './draws.ts'
import { mustClose } from './membership.ts'
import type { Register } from './register.ts'

/** What the state after its parent demands of a block's header. */
export interface Due {
  /** The hash of the committee that follows, where the block must close its epoch or comes after one that does. */
  readonly nextCommittee: Uint8Array | null
  /** It comes after a closing block: it orders nothing, it only makes that one final. */
  readonly sealed: boolean
  /** Its leader has not drawn in this epoch. */
  readonly owesDraw: boolean
}

/** Where a block stands. */
export interface Place {
  readonly view: number
  readonly height: number
  /** Digest of the block before. */
  readonly parent: string
  readonly parentMs: number
}

/**
 * What a block of this epoch must say of the turn of epochs; undefined where its parent was never judged here.
 * Blocks after a closing one repeat whom it names, so that whichever of them a quorum finalizes, its header and
 * finalization show who follows.
 */
export function dueOf(
  register: Register,
  pace: Pick<Pace, 'epochBlocks' | 'epochMs'>,
  { view, height, parent, parentMs }: Place
): Due | undefined {
  const below = register.judged(parent)
  if (below !== undefined && isClosing(below)) {
    return { nextCommittee: bodyOf(below).nextCommittee, sealed: true, owesDraw: false }
  }
  const membership = register.after(parent)
  if (membership === undefined) return undefined
  const closes = mustClose(membership, { height: height - 1, timeMs: parentMs }, pace)
  const owesDraw = !membership.drawn.includes(leaderOf(register.committee, view))
  return { nextCommittee: closes ? register.nextHash : null, sealed: false, owesDraw }
}

/** Does the header say exactly what is due, and has its leader drawn honestly? */
export function meets(due: Due, proposal: Proposal, register: Register, draws: Draws): boolean {
  const { nextCommittee, vrfProof, commands } = bodyOf(proposal)
  if (due.sealed && commands.length > 0) return false
  if (!sameHash(due.nextCommittee, nextCommittee) || due.owesDraw !== (vrfProof !== null)) return false
  if (vrfProof === null) return true
  const { epoch, members } = register.membership
  const vrfKey = members[leaderOf(register.committee, proposal.view)]?.vrfKey
  return vrfKey !== undefined && draws.isValid(vrfKey, epoch, vrfProof)
}

function sameHash(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equal(a, b)
}

/** What this member's own block says. */
export function turnOf(due: Due, epoch: number, draws: Draws): Turn {
  return { nextCommittee: due.nextCommittee, vrfProof: due.owesDraw ? draws.prove(epoch) : null }
}
