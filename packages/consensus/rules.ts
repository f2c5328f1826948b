import {
  ancestorsOf,
  certifiedNotarization,
  certifiedParent,
  certifyHeld,
  gapBetween,
  heldAt,
  isAccepted,
  isNullified
} from './chain.ts'
import { leaderOf } from './committee.ts'
import type { Draft } from './draft.ts'
import { ask, scheduleFinal } from './repair.ts'
import { type Final, type Held, type Parent, type Proposal, type State, UNFINALIZED_MAX, withSaid } from './state.ts'
import { KIND, NO_DIGEST, type Statement } from './statement.ts'
import { EMPTY_ASKED, flushFromMs, isLeaderGone, isOwnTurn, proposeFromMs } from './timing.ts'
import { receiveVote } from './votes.ts'

/** How far ahead of the wall clock a proposal's group time may be before an own notarize. */
const CLOCK_AHEAD_MAX_MS = 10_000

/** How long blocks of a known finalization are asked for by view before they are fetched by height. */
const BEHIND_AFTER_RETRIES_MS = 1_000

/** A finalization this many views up is fetched by height at once: by view it would take as many questions. */
const BEHIND_AFTER_VIEWS = 16

/** Applies every rule that has become applicable, until none is left. */
export function applyRules(draft: Draft): void {
  for (;;) {
    const changed = certifyHeld(draft) || finalizeAhead(draft) || enterNext(draft)
    if (!changed) break
  }
  castFinalizes(draft)
  followLeader(draft)
  castNotarize(draft)
  propose(draft)
  fetchMissing(draft)
}

/** Signs nothing itself: what is said is remembered here, and leaves once it is on disk. */
export function cast(draft: Draft, statement: Statement, held: Held | null): void {
  const before = draft.at(statement.view)
  draft.put({ ...before, said: withSaid(before.said, statement) })
  draft.emit({ type: 'cast', statement, proposal: held?.proposal ?? null, signature: held?.signature ?? null })
  countUnsynced(draft, statement)
}

export function countUnsynced(draft: Draft, statement: Statement): void {
  const { committee, rules, self } = draft.state.config
  const vote = rules.countsUnsynced(committee, self ?? 0, statement)
  if (vote !== null) receiveVote(draft, vote, vote.signer, true)
}

export function castNullify(draft: Draft): void {
  const { state } = draft
  if (!state.voting || !state.config.rules.mayNullify(draft.view(state.view))) return
  draft.emit({ type: 'spread' })
  const { epoch } = state.config.committee
  cast(draft, { kind: KIND.nullify, epoch, view: state.view, parentView: 0, digest: NO_DIGEST }, null)
}

/** Rule Finalization: the newest finalized block and all below it are final once they are all here. */
function finalizeAhead(draft: Draft): boolean {
  const { state } = draft
  const certificate = state.ahead?.certificate
  if (certificate === undefined) return false
  if (certificate.view <= state.final.view) {
    state.ahead = null
    return false
  }
  const held = heldAt(draft, certificate.view, certificate.digest)
  if (held?.certified !== true) return false
  const blocks = heldChain(draft, held)
  const { view, height, digest, timeMs } = held.proposal
  draft.emit({ type: 'finalized', blocks, certificate })
  settleFinal(draft, { view, height, digest, timeMs, certificate })
  return true
}

/** A certified block and all unfinalized ones below it, oldest first. */
function heldChain(draft: Draft, top: Held): readonly Held[] {
  const chain: Held[] = []
  for (let held: Held | undefined = top; held !== undefined; ) {
    chain.push(held)
    const { parentView, parent }: Proposal = held.proposal
    held = parentView > draft.state.final.view ? heldAt(draft, parentView, parent) : undefined
  }
  return chain.reverse()
}

/** What follows from a new floor, however it came about. */
export function settleFinal(draft: Draft, final: Final): void {
  draft.moveFloor(final)
  const { state, nowMs } = draft
  state.finalAtMs = nowMs
  state.nullified = state.config.rules.nullifiedAfter(state.nullified, 'finalization')
  state.standstillDueMs = nowMs + state.config.rules.standstillMs(state)
  if (state.ahead !== null && state.ahead.certificate.view <= state.final.view) state.ahead = null
  if (state.view <= state.final.view) enter(draft, state.final.view + 1, 'adoption')
  scheduleFinal(draft)
}

/** Rules Notarization and Nullification: the highest certificate that lets this member leave a view. */
function enterNext(draft: Draft): boolean {
  const { state } = draft
  for (const { view } of draft.viewsAbove(state.view - 1)) {
    const notarized = certifiedNotarization(draft, view) !== undefined
    if (!notarized && !isNullified(draft, view)) continue
    const turn = notarized ? 'notarization' : 'nullification'
    // Given up from here, it gets no finalize vote from here: at the edge of a deadline views would be notarized for ever.
    const gaveUp = draft.view(view)?.said[KIND.nullify] !== undefined
    state.nullified = state.config.rules.nullifiedAfter(state.nullified, gaveUp ? 'nullification' : turn)
    enter(draft, view + 1, turn)
    return true
  }
  return false
}

function enter(draft: Draft, view: number, by: 'notarization' | 'nullification' | 'adoption'): void {
  draft.state.view = view
  draft.state.enteredMs = draft.nowMs
  draft.emit({ type: 'entered', view, by })
}

/** Rule Finalize: for every certified notarization, also of a view that was left, unless the view was nullified from here. */
function castFinalizes(draft: Draft): void {
  const { state } = draft
  if (!state.voting) return
  for (const at of draft.viewsAbove(state.final.view)) {
    const { view } = at
    const block = certifiedNotarization(draft, view)
    if (block === undefined || !state.config.rules.mayFinalize(at)) continue
    const { epoch, parentView, digest } = block.proposal
    cast(draft, { kind: KIND.finalize, epoch, view, parentView, digest }, null)
  }
}

/** A leader that gives its own view up is not waited for, nor, unless a block of it is here, one that is long gone. */
function followLeader(draft: Draft): void {
  const { state } = draft
  const leader = leaderOf(state.config.committee, state.view)
  if (!state.active || leader === state.config.self) return
  const at = draft.view(state.view)
  const isAbsent = (at?.held.length ?? 0) === 0 && isLeaderGone(state, draft.nowMs)
  if (isAbsent || at?.tallies[KIND.nullify].slots[leader] !== undefined) castNullify(draft)
}

/** Rule Notarize: the leader's first proposal of the current view, on a notarized parent, over nullified views. */
function castNotarize(draft: Draft): void {
  const { state } = draft
  const at = draft.view(state.view)
  const leader = leaderOf(state.config.committee, state.view)
  if (!state.voting || at === undefined || leader === state.config.self) return
  if (at.said[KIND.notarize] !== undefined || at.said[KIND.nullify] !== undefined) return
  const first = at.held.find((held) => isFromLeader(draft, held, leader))
  if (first === undefined) return
  if (first.invalid) return castNullify(draft)
  if (!first.certified || !isParentNotarized(draft, first.proposal)) return
  if (gapBetween(draft, first.proposal.parentView, state.view) !== undefined) return
  if (!matters(state, first.proposal) && !finalizesSomething(draft, first.proposal)) {
    if (state.active) castNullify(draft)
    return
  }
  if (!isTimely(draft, first.proposal)) return castNullify(draft)
  const { epoch, view, parentView, digest } = first.proposal
  cast(draft, { kind: KIND.notarize, epoch, view, parentView, digest }, first)
}

/** A block that a quorum names may be another than the leader gave to this member. */
function isFromLeader(draft: Draft, held: Held, leader: number): boolean {
  const slot = draft.view(held.proposal.view)?.tallies[KIND.notarize].slots[leader]
  return slot !== undefined && slot.vote.digest === held.proposal.digest
}

function isParentNotarized(draft: Draft, { parentView, parent }: Proposal): boolean {
  if (parentView === draft.state.final.view) return parent === draft.state.final.digest
  return certifiedNotarization(draft, parentView)?.proposal.digest === parent
}

/** Is a block worth finalizing for its own sake: for commands, an epoch's end, or a timer that it fires? */
export function matters({ dueMs }: Pick<State, 'dueMs'>, { commands, timeMs }: Proposal): boolean {
  return commands > 0 || (dueMs !== null && timeMs >= dueMs)
}

/** Any other is worth a vote only where one below it still waits to become final. */
function finalizesSomething(draft: Draft, proposal: Proposal): boolean {
  return ancestorsOf(draft, proposal).some((below) => matters(draft.state, below))
}

function isTimely(draft: Draft, proposal: Proposal): boolean {
  if (proposal.timeMs > draft.wallMs + CLOCK_AHEAD_MAX_MS) return false
  const parent = certifiedParent(draft, proposal)
  return parent !== undefined && isAccepted(draft, proposal, parent, false)
}

/** Rule Propose: on the highest certified notarization below, with nullifications for everything between. */
function propose(draft: Draft): void {
  const { state, nowMs } = draft
  if (!isOwnTurn(state) || !state.active) return
  const parent = ownParent(draft)
  if (parent === undefined) return
  const builtFrom = draft.view(state.view)?.builtFrom ?? -1
  const ancestors = ancestorsOf(draft, { parentView: parent.view, parent: parent.digest })
  const waiting = ancestors.filter((below) => matters(state, below)).length
  const full = waiting >= UNFINALIZED_MAX
  if (state.pending && !full && builtFrom < state.poolVersion && nowMs >= proposeFromMs(state)) {
    draft.edit(state.view, { builtFrom: state.poolVersion })
    return build(draft, parent, ancestors, false)
  }
  const emptyFromMs = waiting > 0 ? flushFromMs(state) : state.isDue ? proposeFromMs(state) : Number.POSITIVE_INFINITY
  if (builtFrom === EMPTY_ASKED || nowMs < emptyFromMs) return
  draft.edit(state.view, { builtFrom: EMPTY_ASKED })
  build(draft, parent, ancestors, true)
}

function build(draft: Draft, parent: Parent, ancestors: readonly Proposal[], empty: boolean): void {
  const { view } = draft.state
  const { view: parentView, digest, height, timeMs } = parent
  draft.emit({ type: 'build', view, parentView, parent: digest, height: height + 1, timeMs, ancestors, empty })
}

function ownParent(draft: Draft): Parent | undefined {
  const { state } = draft
  for (let view = state.view - 1; view > state.final.view; view--) {
    const block = certifiedNotarization(draft, view)
    if (block !== undefined) return block.proposal
    if (!isNullified(draft, view)) {
      if (state.config.rules.mayPull(view)) ask(draft, view, 0, [])
      return undefined
    }
  }
  return state.final
}

/** Asks for what stands between this member and a vote, a view, or a final block. */
function fetchMissing(draft: Draft): void {
  const { state } = draft
  for (const { view, tallies } of draft.viewsAbove(state.final.view)) {
    const certificate = tallies[KIND.notarize].certificate
    if (certificate !== null) fetchBlock(draft, view, certificate.digest, certificate.signers)
  }
  fetchAncestry(draft)
  fetchAhead(draft)
}

/** A block that is not here, or its lowest ancestor that is not. */
function fetchBlock(draft: Draft, view: number, digest: string, holders: readonly number[]): void {
  const held = heldAt(draft, view, digest)
  if (held === undefined) return ask(draft, view, KIND.notarize, holders)
  if (held.certified || held.invalid) return
  const { parentView, parent } = held.proposal
  if (parentView > draft.state.final.view) fetchBlock(draft, parentView, parent, holders)
}

/** What the current proposal stands on is asked of its leader, who must have it. This heals a certified split. */
function fetchAncestry(draft: Draft): void {
  const { state } = draft
  const leader = leaderOf(state.config.committee, state.view)
  for (const { proposal } of draft.view(state.view)?.held ?? []) {
    if (certifiedParent(draft, proposal) === undefined || !isParentNotarized(draft, proposal)) {
      if (proposal.parentView > state.final.view) ask(draft, proposal.parentView, KIND.notarize, [leader])
    }
    const gap = gapBetween(draft, Math.max(proposal.parentView, state.final.view), state.view)
    if (gap !== undefined && state.config.rules.mayPull(gap)) ask(draft, gap, KIND.nullify, [leader])
  }
}

function fetchAhead(draft: Draft): void {
  const { state, nowMs } = draft
  if (state.ahead === null) return
  const { certificate, sinceMs, reported } = state.ahead
  const far = certificate.view > state.final.view + BEHIND_AFTER_VIEWS
  if (!far) fetchBlock(draft, certificate.view, certificate.digest, certificate.signers)
  if (reported || (!far && nowMs - sinceMs < BEHIND_AFTER_RETRIES_MS)) return
  state.ahead = { ...state.ahead, reported: true }
  draft.emit({ type: 'behind', certificate })
}
