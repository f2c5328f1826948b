import { KIND, leaderOf, type Mark, type State, type Vote, viewAt } from '@brume/consensus'
import type { Topic } from '@brume/ports'
import {
  encodeGossipFrame,
  encodeGossipPresence,
  type Frame,
  GOSSIP_VOTES_MAX,
  type GossipFrame,
  type Presence
} from '@brume/protocols/quorum'
import type { Epoch } from '../epoch.ts'
import { blockFrame } from '../votes/send.ts'

/** A stream that is down this long is not about to come back by itself. */
const CUT_OFF_MS = 2_000

const ATTEMPTS = 0x1_0000

/** How votes to all leave, where that is not to depend on who is connected: for measuring. */
export type VotesBy = 'gossip' | 'gossip-direct'

/**
 * What this member says to all is also gossiped as long as some have no stream from here. Such a member may be gone
 * for good: so until it is heard through others, only what is resent goes this way, a message every retry period.
 */
export class Voice {
  readonly #topic: Topic
  readonly #votesBy: VotesBy | null
  readonly #failed: () => void
  #attempt = 0
  #resendDueMs = Number.NEGATIVE_INFINITY

  constructor(topic: Topic, votesBy: VotesBy | null, failed: () => void) {
    this.#topic = topic
    this.#votesBy = votesBy
    this.#failed = failed
  }

  /** A frame to all members. True where streams need not carry it. */
  said(epoch: Epoch, frame: Frame, nowMs: number): boolean {
    if (!isGossiped(frame)) return false
    const isForced = this.#votesBy !== null && frame.type === 'votes'
    if (isForced || this.#isNeeded(epoch, frame, nowMs)) this.publish(frame)
    return isForced
  }

  publish(frame: GossipFrame): void {
    if (frame.type !== 'votes') return this.#publish(frame)
    for (let at = 0; at < frame.votes.length; at += GOSSIP_VOTES_MAX)
      this.#publish({ ...frame, votes: frame.votes.slice(at, at + GOSSIP_VOTES_MAX) })
  }

  /** Once a retry period, while there is work and somebody may not have heard. */
  resend({ engine: { state }, self }: Epoch, nowMs: number): void {
    if (self === null || !state.active || !state.voting || nowMs < this.#resendDueMs) return
    if (!state.marks.some((mark, member) => member !== self && isCutOff(mark, nowMs))) return
    this.#resendDueMs = nowMs + state.config.rules.retryMs(state)
    const { view, final } = state
    const votes = ownVotes(state)
    if (votes.length > 0) this.publish({ type: 'votes', view, final: final.view, votes })
    const block = ownBlock(state, self)
    if (block !== null) this.publish(block)
  }

  #isNeeded({ engine: { state }, self }: Epoch, frame: GossipFrame, nowMs: number): boolean {
    if (self === null) return frame.type === 'command'
    return state.marks.some((mark, member) => member !== self && isCutOff(mark, nowMs) && isHeard(mark))
  }

  present(presence: Presence): void {
    this.#topic.publish(encodeGossipPresence(this.#nextAttempt(), presence), { flood: true }).catch(this.#failed)
  }

  #nextAttempt(): number {
    this.#attempt = (this.#attempt + 1) % ATTEMPTS
    return this.#attempt
  }

  #publish(frame: GossipFrame): void {
    const isDirect = this.#votesBy === 'gossip-direct'
    const flood = this.#votesBy !== 'gossip'
    const bytes = encodeGossipFrame({ attempt: this.#nextAttempt(), isDirect }, frame)
    // An outline of more than a thousand commands is too large: its block is asked for once a quorum names it.
    this.#topic.publish(bytes, { flood }).catch(this.#failed)
  }
}

/** Has this member been without a stream for long? */
export function isCutOff({ up, sinceMs }: Mark, nowMs: number): boolean {
  return !up && nowMs - sinceMs >= CUT_OFF_MS
}

/** It speaks, through others. */
export function isHeard({ heardMs, sinceMs }: Mark): boolean {
  return heardMs > sinceMs
}

function isGossiped(frame: Frame): frame is GossipFrame {
  return frame.type === 'votes' || frame.type === 'propose' || frame.type === 'outline' || frame.type === 'command'
}

/** Of views that are not final, the newest first. */
function ownVotes({ views }: State): readonly Vote[] {
  return views
    .flatMap((view) => view?.own ?? [])
    .reverse()
    .slice(0, GOSSIP_VOTES_MAX)
}

/** What this member proposed in the view it is in. */
function ownBlock(state: State, self: number): GossipFrame | null {
  const { view, config } = state
  const own = viewAt(state, view)?.own.find(({ kind }) => kind === KIND.notarize)
  if (own === undefined || leaderOf(config.committee, view) !== self) return null
  const held = viewAt(state, view)?.held.find(({ proposal }) => proposal.digest === own.digest)
  return held === undefined ? null : blockFrame(held.proposal, held.signature)
}
