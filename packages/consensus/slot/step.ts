import { certifies, leaderOf } from '../committee.ts'
import { KIND, KINDS } from '../statement.ts'
import { SlotDraft } from './draft.ts'
import type { SlotEffect, SlotEvent } from './events.ts'
import { cast, holdCertificate, nullify, settle } from './rules.ts'
import { retryMs, SLOT_VIEWS_AHEAD, type SlotProposal, type SlotState, withVote } from './state.ts'
import {
  contradictsInSlot,
  isInForm,
  RESULT,
  roleOf,
  type SlotCertificate,
  type SlotVote,
  sameSlotStatement
} from './statement.ts'
import { deadlineMs } from './timing.ts'

/** Views whose certificates one answer to a member that is behind carries. */
const SERVED_VIEWS_MAX = 16

export interface SlotStep {
  readonly state: SlotState
  readonly effects: readonly SlotEffect[]
}

/** One event in; the next state, and what the host does about it. Pure: its argument stays as it was. */
export function slotStep(state: SlotState, event: SlotEvent): SlotStep {
  const draft = new SlotDraft(state, event.nowMs)
  handle(draft, event)
  settle(draft)
  return { state: draft.state, effects: draft.effects }
}

function handle(draft: SlotDraft, event: SlotEvent): void {
  switch (event.type) {
    case 'result':
      if (draft.state.decided === null && draft.view(0).said[KIND.notarize] === undefined) {
        cast(draft, RESULT, 0, event.digest)
      }
      return
    case 'votes':
      return onVotes(draft, event.votes, event.from)
    case 'certificate':
      return onCertificate(draft, event.certificate, event.from)
    case 'propose':
      return onPropose(draft, event, event.from)
    case 'ask':
      return event.epoch === draft.state.config.committee.epoch ? serve(draft, event.from, event.view) : undefined
    case 'synced':
      return onSynced(draft, event.votes)
    case 'tick':
      return onTick(draft)
  }
}

function onVotes(draft: SlotDraft, votes: readonly SlotVote[], from: number): void {
  const repeated = votes.filter((vote) => !receive(draft, vote, from)).length > 0
  // Who says again what is known here lacks what came of it.
  if (repeated) serve(draft, from, Math.max(...votes.map(({ view }) => view)))
}

/** @returns false if this very vote was here before, or its view is long over */
function receive(draft: SlotDraft, vote: SlotVote, from: number): boolean {
  const refused = refusal(draft.state, vote)
  if (refused !== null) {
    draft.emit({ type: 'dropped', reason: refused, from })
    return true
  }
  const view = draft.view(vote.view)
  const before = view.votes[roleOf(vote.kind)][vote.signer]
  if (before !== undefined && sameSlotStatement(before, vote)) return false
  for (const role of KINDS) {
    const other = view.votes[role][vote.signer]
    if (other === undefined || !contradictsInSlot(other, vote)) continue
    draft.emit({ type: 'conflict', a: other, b: vote })
    if (isLeader(draft.state, vote)) draft.edit(vote.view, { leaderLied: true })
  }
  const isOver = vote.view < draft.state.view - SLOT_VIEWS_AHEAD && vote.kind !== RESULT
  if (before === undefined && !isOver) draft.edit(vote.view, withVote(draft.view(vote.view), vote))
  return !isOver
}

function isLeader({ config: { committee } }: SlotState, { view, signer }: SlotVote): boolean {
  return view > 0 && leaderOf(committee, view) === signer
}

function refusal({ config: { committee }, view: now }: SlotState, vote: SlotVote) {
  if (vote.epoch !== committee.epoch) return 'slot'
  if (vote.signer >= committee.members.length) return 'signer'
  if (vote.view > now + SLOT_VIEWS_AHEAD) return 'view'
  return isInForm(vote) ? null : 'malformed'
}

/** Anything a quorum said is taken, and its votes with it: they may complete another certificate. */
function onCertificate(draft: SlotDraft, certificate: SlotCertificate, from: number): void {
  const { committee } = draft.state.config
  const { signers, signatures, view, kind } = certificate
  const inOrder = signers.every((signer, i) => signer < committee.members.length && signer > (signers[i - 1] ?? -1))
  if (!inOrder || signers.length !== signatures.length || !certifies(committee, kind, signers)) {
    return draft.emit({ type: 'dropped', reason: 'malformed', from })
  }
  const { epoch, digest } = certificate
  const [signer = 0, signature = new Uint8Array(64)] = [signers[0], signatures[0]]
  const refused = refusal(draft.state, { kind, epoch, view, digest, signer, signature })
  // A finalization ends the slot, from however far ahead it comes.
  if (refused !== null && !(refused === 'view' && kind === KIND.finalize)) {
    return draft.emit({ type: 'dropped', reason: refused, from })
  }
  if (draft.state.decided !== null || draft.view(view).certificates[roleOf(kind)] !== undefined) return
  if (refused !== null) return decideFromAfar(draft, certificate)
  holdCertificate(draft, certificate)
  signers.forEach((signer, i) => {
    receive(draft, { kind, epoch, view, digest, signer, signature: signatures[i] ?? new Uint8Array(64) }, from)
  })
}

function decideFromAfar(draft: SlotDraft, certificate: SlotCertificate): void {
  draft.emit({ type: 'keep', certificate })
  draft.set({ decided: certificate })
  draft.emit({ type: 'decided', certificate })
}

/** Kept until it can be judged: the certificates it builds on may still be under way. */
function onPropose(draft: SlotDraft, { vote, results }: SlotProposal, from: number): void {
  if (refusal(draft.state, vote) !== null || vote.kind !== KIND.notarize || !isLeader(draft.state, vote)) {
    return draft.emit({ type: 'dropped', reason: 'malformed', from })
  }
  const fits = results.length <= draft.state.config.committee.members.length
  if (!fits || results.some((result) => result.kind !== RESULT || refusal(draft.state, result) !== null)) {
    return draft.emit({ type: 'dropped', reason: 'malformed', from })
  }
  receive(draft, vote, from)
  for (const result of results) receive(draft, result, from)
  if (draft.view(vote.view).proposal === null) draft.edit(vote.view, { proposal: { vote, results } })
}

/** On disk: they count, and go out. A leader's own notarize takes what justifies it along. */
function onSynced(draft: SlotDraft, votes: readonly SlotVote[]): void {
  const { config, own } = draft.state
  draft.set({ own: [...own, ...votes] })
  for (const vote of votes) {
    receive(draft, vote, config.self ?? 0)
    const proposal = vote.kind === KIND.notarize ? draft.view(vote.view).proposal : null
    if (proposal === null || !isLeader(draft.state, vote)) continue
    draft.edit(vote.view, { proposal: { ...proposal, vote } })
    draft.emit({ type: 'send', to: 'all', message: { type: 'propose', vote, results: proposal.results } })
  }
  draft.emit({ type: 'send', to: 'all', message: { type: 'votes', votes } })
}

function onTick(draft: SlotDraft): void {
  const { state, nowMs } = draft
  if (state.decided !== null || state.undecided) return
  if (nowMs >= deadlineMs(state)) nullify(draft)
  if (nowMs < state.retryDueMs) return
  draft.set({ retryDueMs: nowMs + retryMs(state.config) })
  const votes = state.own.filter(({ view }) => view === 0 || view > state.view - SLOT_VIEWS_AHEAD)
  const { epoch } = state.config.committee
  const message =
    votes.length > 0 ? ({ type: 'votes', votes } as const) : ({ type: 'ask', epoch, view: state.view } as const)
  draft.emit({ type: 'send', to: 'all', message })
  const { proposal } = draft.view(state.view)
  if (proposal !== null && state.own.includes(proposal.vote)) {
    draft.emit({ type: 'send', to: 'all', message: { type: 'propose', ...proposal } })
  }
  for (const certificate of Object.values(draft.view(state.view - 1).certificates)) {
    draft.emit({ type: 'send', to: 'all', message: { type: 'certificate', certificate } })
  }
}

/** The decision, or the certificates from the view it is in: once per Delta, whatever it sends. */
function serve(draft: SlotDraft, to: number, fromView: number): void {
  const { state, nowMs } = draft
  if (to === state.config.self || nowMs < (state.servedMs[to] ?? 0) + state.config.deltaMs) return
  const certificates =
    state.decided !== null
      ? [state.decided]
      : state.views
          .slice(fromView, Math.min(fromView + SERVED_VIEWS_MAX, Math.max(state.view, 1)))
          .flatMap((view) => Object.values(view.certificates))
  if (certificates.length === 0) return
  draft.set({ servedMs: state.servedMs.map((before, i) => (i === to ? nowMs : before)) })
  for (const certificate of certificates) {
    draft.emit({ type: 'send', to, message: { type: 'certificate', certificate } })
  }
}
