import { heldAt, hold, sign } from './chain.ts'
import { leaderOf } from './committee.ts'
import { Draft } from './draft.ts'
import type { Effect, Event } from './events.ts'
import { answerRequest, breakStandstill, requestFinal, retry, sendDueCertificates, serve } from './repair.ts'
import { applyRules, castNullify, countUnsynced, matters, settleFinal } from './rules.ts'
import { type Proposal, type State, VIEWS_AHEAD, withSaid } from './state.ts'
import { KIND, type Vote } from './statement.ts'
import { advanceDeadlineMs, EMPTY_ASKED, FINAL_GRACE_MS, leaderDeadlineMs, urgeMs } from './timing.ts'
import { receiveCertificate, receiveVote, verifiedCertificate, verifiedTally } from './votes.ts'

export interface Step {
  readonly state: State
  readonly effects: readonly Effect[]
}

/** What most events say; an `in` for each of the two costs as much as copying a mark. */
interface Timed {
  readonly nowMs?: number
  readonly wallMs?: number
}

/**
 * One event, one new state, and what the host has to do about it. Reads no clock, rolls no dice, and
 * leaves its argument as it was. The events of one kind are handled by one function below.
 */
export function step(state: State, event: Event): Step {
  const { nowMs = state.enteredMs, wallMs = 0 } = event as Event & Timed
  const draft = new Draft(state, nowMs, wallMs)
  handle(draft, event)
  return { state: draft.state, effects: draft.effects }
}

function handle(draft: Draft, event: Event): void {
  switch (event.type) {
    case 'votes':
      return onVotes(draft, event)
    case 'propose':
      return onPropose(draft, event)
    case 'certificate':
      receiveCertificate(draft, event.certificate, event.from)
      return settle(draft)
    case 'verified':
      if (event.purpose.type === 'tally') verifiedTally(draft, event.purpose, event.votes, event.bad)
      else verifiedCertificate(draft, event.purpose, event.bad)
      return settle(draft)
    case 'synced':
      return onSynced(draft, event)
    case 'built':
      return onBuilt(draft, event)
    case 'pool':
      draft.state.pending = event.pending
      draft.state.poolVersion = event.version
      return settle(draft)
    case 'request':
      return answerRequest(draft, event.from, event.view, event.want)
    case 'status':
      return onStatus(draft, event)
    case 'up':
    case 'down':
      return onLink(draft, event)
    case 'due':
      draft.state.dueMs = event.dueMs
      draft.state.closeNow = event.closeNow
      watchDue(draft)
      return settle(draft)
    case 'convicted':
      return draft.mark(event.member, { convicted: true })
    case 'pace':
      draft.state.deltaMs = event.deltaMs
      return
    case 'voting':
      draft.state.voting = event.voting
      draft.state.enteredMs = event.nowMs
      return settle(draft)
    case 'adopt':
      return onAdopt(draft, event)
    case 'tick':
      return onTick(draft)
  }
}

type On<T extends Event['type']> = Extract<Event, { type: T }>

/** Votes of one signer; the rules run only if a quorum came of them. */
function onVotes(draft: Draft, { from, votes, view, final, verified = false }: On<'votes'>): void {
  draft.heard(from, view, final)
  let repeated = false
  for (const vote of votes) repeated = !receiveVote(draft, vote, from, verified) || repeated
  if (draft.decided) settle(draft)
  // More votes are more work, never less.
  else if (!draft.state.active) settleActivity(draft)
  if (repeated) serveOnce(draft, from)
}

/** Who repeats itself lacks something; who is merely a little behind may be about to learn it. */
function serveOnce(draft: Draft, member: number): void {
  const { state, nowMs } = draft
  const mark = state.marks[member]
  if (mark === undefined || nowMs - mark.servedMs < state.deltaMs) return
  const isBehind = mark.final < state.final.view || mark.view < state.view
  if (isBehind) serve(draft, member, mark)
}

/**
 * A block. From its leader it is the leader's say, and its notarize vote counts; from anyone else it is
 * only wanted where a quorum or a child named its digest.
 */
function onPropose(draft: Draft, { from, proposal, signature, nowMs }: On<'propose'>): void {
  const { config, final, base, view } = draft.state
  const drop = (reason: 'epoch' | 'view' | 'unwanted' | 'leader') => draft.emit({ type: 'dropped', reason, from })
  if (proposal.epoch !== config.committee.epoch) return drop('epoch')
  if (proposal.view < Math.max(base, final.view + 1) || proposal.view <= proposal.parentView) return drop('view')
  const leader = leaderOf(config.committee, proposal.view)
  if (from === leader && proposal.view <= view + VIEWS_AHEAD) {
    draft.mark(from, { heardMs: nowMs })
    const { epoch, parentView, digest } = proposal
    const vote = { kind: KIND.notarize, signer: from, epoch, view: proposal.view, parentView, digest, signature }
    receiveVote(draft, vote, from, false)
    if (proposal.view >= view) draft.state.proposalSeenMs = nowMs
  } else if (!isNamed(draft, proposal.view, proposal.digest)) {
    return drop(from === leader ? 'view' : 'unwanted')
  }
  hold(draft, proposal, signature)
  settle(draft)
}

function isNamed(draft: Draft, view: number, digest: string): boolean {
  const at = draft.view(view)
  if (at?.tallies[KIND.notarize].certificate?.digest === digest) return true
  if (draft.state.ahead?.certificate.digest === digest) return true
  for (const { held } of draft.viewsAbove(view)) {
    if (held.some(({ proposal }) => proposal.parentView === view && proposal.parent === digest)) return true
  }
  return false
}

/** Own votes are on disk: only now do they count here, and only now do they leave. */
function onSynced(draft: Draft, { votes }: On<'synced'>): void {
  for (const vote of votes) {
    const before = draft.at(vote.view)
    draft.put({ ...before, own: [...before.own, vote] })
    receiveVote(draft, vote, vote.signer, true)
    const proposal = ownProposal(draft, vote)
    if (proposal === undefined) {
      draft.emit({ type: 'send', to: 'all', message: { type: 'votes', votes: [vote] } })
    } else {
      sign(draft, proposal, vote.signature)
      draft.emit({ type: 'send', to: 'all', message: { type: 'propose', proposal, signature: vote.signature } })
    }
  }
  settle(draft)
}

/** The leader's notarize vote leaves with its block: it is the signature of the proposal. */
function ownProposal(draft: Draft, vote: Vote): Proposal | undefined {
  if (vote.kind !== KIND.notarize || leaderOf(draft.state.config.committee, vote.view) !== vote.signer) return undefined
  return heldAt(draft, vote.view, vote.digest)?.proposal
}

/** Stands in for the signature of an own block until its vote is synced; such a block is sent to nobody. */
const UNSIGNED = new Uint8Array(0)

function onBuilt(draft: Draft, { view, proposal, nowMs }: On<'built'>): void {
  const { state } = draft
  if (view !== state.view || !state.voting) return settle(draft)
  const { said, builtFrom } = draft.at(view)
  if (proposal === null) {
    // Others need not find out by their deadlines. Commands that must wait for others are no such case.
    if (builtFrom === EMPTY_ASKED) castNullify(draft)
    return settle(draft)
  }
  if (said[KIND.notarize] !== undefined || said[KIND.nullify] !== undefined) return
  hold(draft, proposal, UNSIGNED)
  state.proposalSeenMs = nowMs
  const { epoch, parentView, digest } = proposal
  const statement = { kind: KIND.notarize, epoch, view, parentView, digest }
  draft.put({ ...draft.at(view), said: withSaid(said, statement) })
  draft.emit({ type: 'cast', statement, proposal, signature: null })
  countUnsynced(draft, statement)
  settle(draft)
}

function onStatus(draft: Draft, { from, view, final, nowMs }: On<'status'>): void {
  const { state } = draft
  draft.heard(from, view, final)
  if (final > state.final.view && !state.active) requestFinal(draft, from, final)
  // What became final a moment ago is on its way to that member by itself.
  const isLate = final < state.final.view && nowMs - state.finalAtMs > FINAL_GRACE_MS
  if (isLate || (final >= state.final.view && view <= state.view)) serve(draft, from, { view, final })
}

/** A stream opened: both ends say where they are. */
function onLink(draft: Draft, { type, member, nowMs }: On<'up' | 'down'>): void {
  draft.mark(member, { up: type === 'up', sinceMs: nowMs })
  if (type === 'up') draft.emit({ type: 'send', to: member, message: { type: 'status' } })
}

function onAdopt(draft: Draft, { final }: On<'adopt'>): void {
  if (!draft.state.config.rules.movesFloor(draft.state.final, final)) return
  settleFinal(draft, final)
  settle(draft)
}

function onTick(draft: Draft): void {
  const { nowMs } = draft
  watchDue(draft)
  if (!draft.state.active) return settle(draft)
  sendDueCertificates(draft)
  retry(draft)
  breakStandstill(draft)
  const deadlines = [leaderDeadlineMs(draft.state), advanceDeadlineMs(draft.state)]
  if (deadlines.some((deadline) => deadline !== null && deadline <= nowMs)) castNullify(draft)
  settle(draft)
}

/** Wall clocks jump: when the moment has come by the monotonic one, the other is asked again. */
function watchDue(draft: Draft): void {
  const { state, nowMs, wallMs } = draft
  const leftMs = (state.dueMs ?? Number.POSITIVE_INFINITY) - wallMs
  state.isDue = state.closeNow || leftMs <= 0
  state.dueAtMs = state.isDue || state.dueMs === null ? null : nowMs + leftMs
}

/** Rules to their end, then: is there still open work? */
function settle(draft: Draft): void {
  settleActivity(draft)
  applyRules(draft)
  settleActivity(draft)
}

/** Open work came or went: timers begin, or everything falls silent. */
function settleActivity(draft: Draft): void {
  const { state, nowMs } = draft
  const active = hasOpenWork(draft)
  if (active === state.active) return
  state.active = active
  if (active) {
    state.activeSinceMs = nowMs
    state.retryDueMs = nowMs + state.config.rules.retryMs(state)
    state.standstillDueMs = nowMs + state.config.rules.standstillMs(state)
    return
  }
  state.finalDue = null
  for (const { view, certificateDueMs } of draft.viewsAbove(state.final.view)) {
    if (certificateDueMs !== null) draft.edit(view, { certificateDueMs: null })
  }
  state.marks.forEach((mark, member) => {
    // Who was seen in the final view is about to finalize it too, or will ask again by itself.
    if (member === state.config.self || !mark.up || mark.view >= state.final.view) return
    draft.emit({ type: 'send', to: member, message: { type: 'status' } })
  })
}

/** A command waits, a time has come, a block that carries some is not final yet, or more than F weight is at work in this view or above. */
function hasOpenWork(draft: Draft): boolean {
  const { state } = draft
  if (state.pending || state.isDue || state.ahead !== null) return true
  const { committee, rules } = state.config
  const busy = new Set<number>()
  for (const { view, tallies, held } of draft.viewsAbove(state.final.view)) {
    const certificate = tallies[KIND.notarize].certificate
    const block = held.find(({ proposal }) => proposal.digest === certificate?.digest)
    if (certificate !== null && (block === undefined || matters(state, block.proposal))) return true
    if (view < state.view) continue
    for (const { slots } of tallies) for (const slot of slots) if (slot !== undefined) busy.add(slot.vote.signer)
  }
  let weight = 0
  for (const signer of busy) weight += rules.weightOf(committee, signer)
  return isUrged(draft, rules.wakes(committee, weight) ? weight : 0)
}

/**
 * For a while, and again for each that joins in. The own votes count, so that all who hear the same come to the same answer:
 * a member that outweighs F alone would rest while another waits for it.
 */
function isUrged({ state, nowMs }: Draft, weight: number): boolean {
  const { view, urged } = state
  if (weight === 0) state.urged = null
  else if (urged === null || urged.view !== view || urged.weight < weight)
    state.urged = { view, weight, sinceMs: nowMs }
  return state.urged !== null && nowMs < state.urged.sinceMs + urgeMs(state)
}
