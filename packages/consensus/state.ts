import type { Certificate } from './certificate.ts'
import type { Committee } from './committee.ts'
import { RULES, type Rules } from './judgement.ts'
import { type Digest, KIND, type Statement, type Vote, type VoteKind } from './statement.ts'
import { EMPTY_TALLY, type Tally, withVote } from './tally.ts'

/** Views kept below the last finalized one, so that members that are behind can be served by view. */
export const VIEWS_KEPT = 64

/** Votes for views further ahead than this are dropped: a hostile member could fill memory with them. */
export const VIEWS_AHEAD = 8

/** Certificates may jump further, they prove that a quorum is there; beyond this only a finalization counts. */
export const CERTIFIED_AHEAD = 4_096

/** Blocks held for one view: the leader's own, and one each that a quorum or a child names instead. */
export const PROPOSALS_PER_VIEW = 3

/** Above this many unfinalized non-empty blocks leaders propose empty ones only. */
export const UNFINALIZED_MAX = 32

/** A block as the reducer sees it; `body` is the host's business. */
export interface Proposal {
  readonly epoch: number
  readonly view: number
  readonly height: number
  readonly parentView: number
  readonly parent: Digest
  readonly digest: Digest
  /** Group time, ms since 1970. */
  readonly timeMs: number
  readonly commands: number
  readonly body: unknown
}

/** A proposal that is here, with what is known of it so far. */
export interface Held {
  readonly proposal: Proposal
  /** The leader's notarize signature: it goes along when the block is handed on. */
  readonly signature: Uint8Array
  /** Payload and all ancestors are here and valid. */
  readonly certified: boolean
  /** The payload contradicts its parent's state; no quorum of honest members accepts it. */
  readonly invalid: boolean
}

/** By kind, with holes. */
export type Said = readonly Statement[]

export interface ViewState {
  readonly view: number
  readonly held: readonly Held[]
  /** By kind; there is no kind 0. */
  readonly tallies: readonly [Tally, Tally, Tally, Tally]
  /** What this member has said, synced or on its way to the disk. Nothing may be said against it. */
  readonly said: Said
  /** Said, synced, and so allowed to leave. */
  readonly own: readonly Vote[]
  /** The leader contradicted itself: its block gets no finalize vote from here. */
  readonly leaderLied: boolean
  /** When a certificate of this view goes to members that seem to lack it; null = not scheduled. */
  readonly certificateDueMs: number | null
  /** When missing parts of this view were last asked for. */
  readonly askedMs: number
  readonly asks: number
  /** As leader: the version of the pool that was asked for a block; -1 = none yet. */
  readonly builtFrom: number
}

/** The newest block that can never be revoked. */
export interface Final {
  readonly view: number
  readonly height: number
  readonly digest: Digest
  readonly timeMs: number
  /** Null for genesis. */
  readonly certificate: Certificate | null
}

/** What another member's frames say about where it is. */
export interface Mark {
  readonly view: number
  readonly final: number
  readonly up: boolean
  /** Since when `up` is as it is. */
  readonly sinceMs: number
  readonly heardMs: number
  /** When it last got what it lacks. */
  readonly servedMs: number
  /** A signature of it did not verify; its votes count for nothing in this epoch. */
  readonly ignored: boolean
  /** It signed two things that exclude each other: where it leads, nobody waits for it. */
  readonly convicted: boolean
}

/** What a block builds on: the last final block, or a held one. */
export interface Parent {
  readonly view: number
  readonly digest: Digest
  readonly height: number
  readonly timeMs: number
}

/** The program's say about a block: form, signatures, admission, and what its ancestors already carry. */
export type Judge = (
  proposal: Proposal,
  parent: Parent,
  ancestors: readonly Proposal[],
  wallMs: number | null
) => boolean

export interface Config {
  readonly committee: Committee
  /** Own index, or null for an observer. */
  readonly self: number | null
  readonly genesis: Final
  readonly judge: Judge
  /** Least time between seeing one proposal and making the next. */
  readonly minViewMs: number
  /** First value of Delta, before anything was measured. */
  readonly deltaMs: number
  /** What a simulator replaces to see that its checks notice; production leaves it out. */
  readonly rules?: Partial<Rules>
}

/** A configuration with every rule in its place. */
type Settled = Omit<Config, 'rules'> & { readonly rules: Rules }

export interface State {
  readonly config: Settled
  readonly view: number
  readonly enteredMs: number
  readonly final: Final
  readonly finalAtMs: number
  /** Lowest view that is kept. */
  readonly base: number
  /** From `base` to the last final view: only for members that are behind, and for late votes. */
  readonly past: readonly (ViewState | undefined)[]
  /** From the first view that is not final. Apart from the past, since every vote copies this list. */
  readonly views: readonly (ViewState | undefined)[]
  readonly marks: readonly Mark[]
  /** Views nullified, or given up from here, since the last finalization: the exponent of the back-off. */
  readonly nullified: number
  readonly deltaMs: number
  /** May this member say anything? False while it joins, syncs or is halted. */
  readonly voting: boolean
  /** Commands wait for a block; the version changes with each new one. */
  readonly pending: boolean
  readonly poolVersion: number
  /** Group time from which on an empty block is wanted, because the program has a timer; null = it has none. */
  readonly dueMs: number | null
  /** The epoch is to close, commands or not. */
  readonly closeNow: boolean
  /** `dueMs` has come by the wall clock, or `closeNow`. */
  readonly isDue: boolean
  /** When to look at the wall clock again, monotonic: the one timer of a dormant member. */
  readonly dueAtMs: number | null
  /** Open work: timers run only then. */
  readonly active: boolean
  readonly activeSinceMs: number
  /** Since when so much weight is at work in this view or above, and the view that was; null: not more than F. */
  readonly urged: { readonly view: number; readonly weight: number; readonly sinceMs: number } | null
  readonly retryDueMs: number
  readonly standstillDueMs: number
  readonly proposalSeenMs: number
  /** When the newest finalization goes to members that have not passed the one that was newest at scheduling. */
  readonly finalDue: { readonly atMs: number; readonly view: number } | null
  /** The newest finalization whose blocks are not all here, and since when. */
  readonly ahead: { readonly certificate: Certificate; readonly sinceMs: number; readonly reported: boolean } | null
}

const EMPTY_TALLIES = [EMPTY_TALLY, EMPTY_TALLY, EMPTY_TALLY, EMPTY_TALLY] as const

export function emptyView(view: number): ViewState {
  return {
    view,
    held: [],
    tallies: EMPTY_TALLIES,
    said: [],
    own: [],
    leaderLied: false,
    certificateDueMs: null,
    askedMs: Number.NEGATIVE_INFINITY,
    asks: 0,
    builtFrom: -1
  }
}

/** What survived a restart: journaled votes, proposals and certificates, and the finalized floor. */
export interface Restored {
  readonly final: Final
  readonly votes: readonly Vote[]
  readonly held: readonly Held[]
  readonly certificates: readonly Certificate[]
}

/** A member at its floor, not yet voting. Own journaled votes are back in the tallies: they count, and are never said anew. */
export function createState(config: Config, nowMs: number, restored?: Restored): State {
  const final = restored?.final ?? config.genesis
  const base = Math.max(1, final.view - VIEWS_KEPT)
  const settled = { ...config, rules: { ...RULES, ...config.rules } }
  return {
    config: settled,
    view: final.view + 1,
    enteredMs: nowMs,
    final,
    finalAtMs: nowMs,
    base,
    past: new Array<undefined>(final.view + 1 - base).fill(undefined),
    views: restored === undefined ? [] : restoreViews(settled, restored),
    marks: config.committee.members.map(() => ({
      view: 0,
      final: 0,
      up: false,
      sinceMs: nowMs,
      heardMs: nowMs,
      servedMs: Number.NEGATIVE_INFINITY,
      ignored: false,
      convicted: false
    })),
    nullified: 0,
    deltaMs: config.deltaMs,
    voting: false,
    pending: false,
    poolVersion: 0,
    dueMs: null,
    closeNow: false,
    isDue: false,
    dueAtMs: null,
    active: false,
    activeSinceMs: nowMs,
    urged: null,
    retryDueMs: nowMs,
    standstillDueMs: nowMs,
    proposalSeenMs: Number.NEGATIVE_INFINITY,
    finalDue: null,
    ahead: aheadOf(restored, nowMs)
  }
}

/**
 * A journaled finalization above the floor: its blocks may be held, or must be fetched. Left out, its
 * certificate would count as known and nothing would ever ask for them.
 */
function aheadOf(restored: Restored | undefined, nowMs: number): State['ahead'] {
  const above = (restored?.certificates ?? []).filter(
    ({ kind, view }) => kind === KIND.finalize && view > (restored?.final.view ?? 0)
  )
  const [newest] = above.sort((a, b) => b.view - a.view)
  return newest === undefined ? null : { certificate: newest, sinceMs: nowMs, reported: false }
}

function restoreViews({ committee, rules }: Settled, restored: Restored): readonly (ViewState | undefined)[] {
  const floor = restored.final.view
  const views = new Map<number, ViewState>()
  const edit = (view: number, change: (before: ViewState) => Partial<ViewState>) => {
    if (view <= floor) return
    const before = views.get(view) ?? emptyView(view)
    views.set(view, { ...before, ...change(before) })
  }
  for (const held of restored.held) edit(held.proposal.view, ({ held: before }) => ({ held: [...before, held] }))
  for (const vote of restored.votes) {
    edit(vote.view, (before) => ({
      said: withSaid(before.said, vote),
      own: [...before.own, vote],
      tallies: withTally(before, vote.kind, withVote(before.tallies[vote.kind], vote, true, committee, rules))
    }))
  }
  for (const certificate of restored.certificates) {
    edit(certificate.view, (before) => ({
      tallies: withTally(before, certificate.kind, { ...before.tallies[certificate.kind], certificate })
    }))
  }
  const top = Math.max(floor, ...views.keys())
  return Array.from({ length: top - floor }, (_, i) => views.get(floor + 1 + i))
}

export function withSaid(said: Said, statement: Statement): Said {
  const copy = said.slice()
  copy[statement.kind] = statement
  return copy
}

export function withTally({ tallies }: ViewState, kind: VoteKind, tally: Tally): ViewState['tallies'] {
  const copy: [Tally, Tally, Tally, Tally] = [tallies[0], tallies[1], tallies[2], tallies[3]]
  copy[kind] = tally
  return copy
}
