import {
  type Certificate,
  isWellFormed,
  KIND,
  leaderOf,
  type Proposal,
  type State,
  sameStatement,
  VIEWS_AHEAD,
  type Vote,
  viewAt,
  votesOf
} from '@brume/consensus'
import type { PeerId, Verdict } from '@brume/ports'
import type { GossipFrame, Outline } from '@brume/protocols/quorum'
import type { Epoch } from '../epoch.ts'
import { Throttle } from './throttle.ts'

/** Less than any member's pace of resending, so that honest resends pass. */
const VOTE_GAP_MS = 150

/** Blocks are large, and a liar who leads can sign any number of them. */
const BLOCK_GAP_MS = 500

/** The newest finalization may come again, for those who came late. */
const FINAL_GAP_MS = 1_000

type Of<T extends GossipFrame['type']> = Extract<GossipFrame, { type: T }>
type Block = Of<'propose'> | Of<'outline'>

/** What becomes of frames that were found to be what they say. */
export interface Findings {
  /** Votes of one signer, verified; where the signer itself sent them, with where it is. */
  votes(epoch: Epoch, frame: Of<'votes'>): void
  block(epoch: Epoch, leader: number, frame: Block): void
  /** Newer than what is final here. */
  finalization(epoch: Epoch, certificate: Certificate): void
  /** Somebody is in a later epoch: what it says cannot be checked here. */
  later(epoch: Epoch): void
  dropped(cause: string): void
}

/**
 * What comes by gossip has no sender that is known: only what is signed counts, and it is checked before anything
 * else happens, because whoever relays it answers for it. So no slot is ever touched by what is not verified.
 */
export class Scrutiny {
  readonly #findings: Findings
  readonly #throttle = new Throttle()
  /** The newest finalization that was heard in the topic. */
  #heard = { epoch: -1, view: 0 }

  constructor(findings: Findings) {
    this.#findings = findings
  }

  /** Has a finalization of this view or a later one been heard? */
  hasHeard({ epoch }: Epoch, view: number): boolean {
    return this.#heard.epoch > epoch || (this.#heard.epoch === epoch && this.#heard.view >= view)
  }

  /** A finalization that this peer publishes is heard by all. */
  said({ epoch }: Epoch, view: number, nowMs: number): void {
    this.#heard = { epoch, view }
    this.#throttle.relayed('final', nowMs)
  }

  /** Of one command, which others may have sent before. */
  command(id: string, nowMs: number): boolean {
    const isFree = this.#throttle.isFree(`command/${id}`, FINAL_GAP_MS, nowMs)
    if (isFree) this.#throttle.relayed(`command/${id}`, nowMs)
    return isFree
  }

  votes(epoch: Epoch, from: PeerId, frame: Of<'votes'>, nowMs: number): Verdict {
    const { votes } = frame
    const { state } = epoch.engine
    if (!votes.every((vote) => this.#isOf(epoch, vote.epoch))) return 'ignore'
    const open = votes.filter(({ view }) => isOpen(state, view))
    if (open.length === 0) return this.#drop('gossip: stale')
    const keys = open.map(({ signer, view, kind }) => `${epoch.epoch}/${signer}/${view}/${kind}`)
    const isFree = keys.some((key) => this.#throttle.isFree(key, VOTE_GAP_MS, nowMs))
    if (!isFree && open.every((vote) => isVerified(state, vote))) return this.#drop('gossip: repeated')
    if (!votes.every((vote) => isVerified(state, vote) || epoch.engine.check(vote))) return this.#forged()
    const [{ signer } = { signer: 0 }] = votes
    this.#findings.votes(epoch, { ...frame, ...markOf(epoch, from, signer, frame) })
    if (!isFree) return this.#drop('gossip: repeated')
    for (const key of keys) this.#throttle.relayed(key, nowMs)
    return 'accept'
  }

  /** The leader's own say about its view: it is the signature under the block. */
  block(epoch: Epoch, frame: Block, nowMs: number): Verdict {
    const vote = sayOf(epoch, frame)
    const { state } = epoch.engine
    if (!this.#isOf(epoch, vote.epoch)) return 'ignore'
    if (!isOpen(state, vote.view) || vote.parentView >= vote.view) return this.#drop('gossip: stale')
    const key = `${epoch.epoch}/${vote.view}/block`
    if (!this.#throttle.isFree(key, BLOCK_GAP_MS, nowMs)) return this.#drop('gossip: repeated')
    if (!isVerified(state, vote) && !epoch.engine.check(vote)) return this.#forged()
    const isHeld = viewAt(state, vote.view)?.held.some(({ proposal }) => proposal.digest === vote.digest) === true
    if (!isHeld && vote.signer !== epoch.self) this.#findings.block(epoch, vote.signer, frame)
    this.#throttle.relayed(key, nowMs)
    return 'accept'
  }

  finalization(epoch: Epoch, { certificate }: Of<'certificate'>, nowMs: number): Verdict {
    if (!this.#isOf(epoch, certificate.epoch)) return 'ignore'
    const { view } = certificate
    const isNewest = this.#heard.epoch === epoch.epoch && this.#heard.view === view
    const isFree = this.#throttle.isFree('final', FINAL_GAP_MS, nowMs)
    if (isNewest ? !isFree : this.hasHeard(epoch, view)) return this.#drop('gossip: repeated')
    const { state } = epoch.engine
    const isSigned = (vote: Vote) => isVerified(state, vote) || epoch.engine.check(vote)
    if (!isWellFormed(epoch.committee, certificate) || !votesOf(certificate).every(isSigned)) return this.#forged()
    this.said(epoch, view, nowMs)
    if (view > state.final.view) this.#findings.finalization(epoch, certificate)
    return 'accept'
  }

  #isOf(epoch: Epoch, number: number): boolean {
    if (number === epoch.epoch) return true
    if (number > epoch.epoch) this.#findings.later(epoch)
    this.#drop('gossip: epoch')
    return false
  }

  #forged(): Verdict {
    this.#drop('gossip: forged')
    return 'reject'
  }

  #drop(cause: string): Verdict {
    this.#findings.dropped(cause)
    return 'ignore'
  }
}

/** May anything still be said about this view? */
function isOpen({ final, view: current }: State, view: number): boolean {
  return view > final.view && view <= current + VIEWS_AHEAD
}

/** This very vote stands in its slot, checked. */
function isVerified(state: State, vote: Vote): boolean {
  const slot = viewAt(state, vote.view)?.tallies[vote.kind].slots[vote.signer]
  return (
    slot?.verified === true &&
    sameStatement(slot.vote, vote) &&
    Buffer.compare(slot.vote.signature, vote.signature) === 0
  )
}

/** Where a signer is: as it says itself on its own connection; through others only what its votes show. */
function markOf({ engine, memberPeers }: Epoch, from: PeerId, signer: number, { view, final, votes }: Of<'votes'>) {
  if (memberPeers[signer] === from) return { view, final }
  const mark = engine.state.marks[signer]
  return { view: Math.max(mark?.view ?? 0, ...votes.map((vote) => vote.view)), final: mark?.final ?? 0 }
}

function sayOf({ committee }: Epoch, frame: Block): Vote {
  const place: Pick<Proposal, 'epoch' | 'view' | 'parentView' | 'digest'> =
    frame.type === 'propose' ? frame.proposal : frame.outline.place
  const signature = frame.type === 'propose' ? frame.signature : (frame.outline satisfies Outline).signature
  const { epoch, view, parentView, digest } = place
  return { kind: KIND.notarize, signer: leaderOf(committee, view), epoch, view, parentView, digest, signature }
}
