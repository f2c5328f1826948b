import type { Committee } from '../committee.ts'
import { type Digest, KIND, type VoteKind } from '../statement.ts'
import { roleOf, type SlotCertificate, type SlotVote } from './statement.ts'

/** Votes for views further ahead are dropped: a hostile member could fill memory with them. */
export const SLOT_VIEWS_AHEAD = 8

/** A slot that takes more views than this stays undecided; with back-off the last ones take a day. */
export const SLOT_VIEWS_MAX = 4_096

export interface SlotConfig {
  /** Its `epoch` is the number of the slot. */
  readonly committee: Committee
  /** Own index, or null for who only watches. */
  readonly self: number | null
  /** After a result view without decision, may leaders propose? If not, the slot ends `undecided`. */
  readonly leaderViews: boolean
  /** Time the replicas get to compute, from the slot's opening. */
  readonly resultMs: number
  /** One-way delay to reckon with. */
  readonly deltaMs: number
}

/** A leader's notarize vote, and the result votes that justify its value where no notarized view does. */
export interface SlotProposal {
  readonly vote: SlotVote
  readonly results: readonly SlotVote[]
}

export interface SlotView {
  /** First vote of each signer, by role: view 0 has results where later ones have notarize votes. */
  readonly votes: Readonly<Record<VoteKind, readonly (SlotVote | undefined)[]>>
  readonly certificates: Readonly<Partial<Record<VoteKind, SlotCertificate>>>
  readonly proposal: SlotProposal | null
  /** Said by this member, on disk or on its way there; nothing may be said against it. */
  readonly said: Readonly<Partial<Record<VoteKind, Digest>>>
  readonly leaderLied: boolean
}

export interface SlotState {
  readonly config: SlotConfig
  readonly view: number
  readonly enteredMs: number
  readonly views: readonly SlotView[]
  /** Synced, and so counted and allowed to leave. */
  readonly own: readonly SlotVote[]
  readonly decided: SlotCertificate | null
  /** Leaderless, and a quorum gave up: nothing more will happen. */
  readonly undecided: boolean
  readonly retryDueMs: number
  /** When each member last got what it seems to lack. */
  readonly servedMs: readonly number[]
}

/** What the journal holds of a slot, in order of writing. */
export interface SlotRestored {
  readonly votes: readonly SlotVote[]
  readonly certificates: readonly SlotCertificate[]
}

const EMPTY_VIEW: SlotView = {
  votes: { [KIND.notarize]: [], [KIND.nullify]: [], [KIND.finalize]: [] },
  certificates: {},
  proposal: null,
  said: {},
  leaderLied: false
}

/** A slot at its opening, or as it was: said votes count again, and are never said otherwise. Feed a `tick` next. */
export function createSlot(config: SlotConfig, nowMs: number, restored?: SlotRestored): SlotState {
  const { votes = [], certificates = [] } = restored ?? {}
  const top = Math.max(0, ...votes.map(({ view }) => view), ...certificates.map(({ view }) => view))
  const views = Array.from({ length: top + 1 }, (_, view) => restoreView(view, votes, certificates))
  return {
    config,
    view: 0,
    enteredMs: nowMs,
    views,
    own: votes,
    decided: null,
    undecided: false,
    retryDueMs: votes.length > 0 ? nowMs : nowMs + retryMs(config),
    servedMs: config.committee.members.map(() => Number.NEGATIVE_INFINITY)
  }
}

function restoreView(view: number, votes: readonly SlotVote[], certificates: readonly SlotCertificate[]): SlotView {
  let restored = EMPTY_VIEW
  for (const vote of votes) {
    if (vote.view !== view) continue
    restored = { ...withVote(restored, vote), said: { ...restored.said, [roleOf(vote.kind)]: vote.digest } }
  }
  const held = certificates.filter((certificate) => certificate.view === view)
  return { ...restored, certificates: Object.fromEntries(held.map((one) => [roleOf(one.kind), one])) }
}

export function withVote(view: SlotView, vote: SlotVote): SlotView {
  const role = roleOf(vote.kind)
  const slots = view.votes[role].slice()
  slots[vote.signer] = vote
  return { ...view, votes: { ...view.votes, [role]: slots } }
}

export function viewAt(views: readonly SlotView[], view: number): SlotView {
  return views[view] ?? EMPTY_VIEW
}

/** Never backs off: a member that lacks one vote must not wait for hours because earlier views were slow. */
export function retryMs({ deltaMs }: SlotConfig): number {
  return Math.min(2_000, Math.max(200, 2 * deltaMs))
}
