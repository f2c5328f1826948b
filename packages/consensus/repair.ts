import type { Certificate } from './certificate.ts'
import { heldAt } from './chain.ts'
import { leaderOf } from './committee.ts'
import type { Draft } from './draft.ts'
import type { Mark } from './state.ts'
import { KIND, KINDS, type Vote, type VoteKind } from './statement.ts'
import { certificateGraceMs, FINAL_GRACE_MS } from './timing.ts'

/** What one member gets at once: on a slow link more would still be under way when the next comes. */
const SERVING_BYTES_MAX = 65_536

const CERTIFICATE_BYTES = 128
const SIGNATURE_BYTES = 65
const VOTE_BYTES = 122
/** A block: with its payload, or with the ids of its commands. */
const PROPOSAL_BYTES = 8_704
const COMMAND_ID_BYTES = 34

const bytesOf = ({ signers }: Certificate) => CERTIFICATE_BYTES + SIGNATURE_BYTES * signers.length

/**
 * What this member holds that another one, going by its mark, lacks, newest first and no more than a slow
 * link carries: the newest finalization, certificates of the views it is still in, own votes and own
 * proposals that may have been lost. The one answer to loss, restarts, reopened streams and standstill.
 */
export function serve(draft: Draft, member: number, mark: Pick<Mark, 'view' | 'final'>): void {
  const { state } = draft
  draft.mark(member, { servedMs: draft.nowMs })
  const votes: Vote[] = []
  let room = SERVING_BYTES_MAX
  const send = (certificate: Certificate) => {
    room -= bytesOf(certificate)
    if (room >= 0) draft.emit({ type: 'send', to: member, message: { type: 'certificate', certificate } })
  }
  if (mark.final < state.final.view && state.final.certificate !== null) send(state.final.certificate)
  for (const view of draft.viewsAbove(state.final.view)) {
    room -= VOTE_BYTES * view.own.length
    if (room < 0) break
    votes.push(...view.own)
    for (const kind of KINDS) {
      const { certificate } = view.tallies[kind]
      if (certificate !== null && (kind === KIND.finalize || view.view >= mark.view)) send(certificate)
    }
    if (view.view >= mark.view) room -= sendOwnProposal(draft, member, view.view, room)
  }
  if (votes.length > 0) draft.emit({ type: 'send', to: member, message: { type: 'votes', votes } })
}

/** Returns the bytes that took. */
function sendOwnProposal(draft: Draft, member: number, view: number, room: number): number {
  const { committee, self } = draft.state.config
  const own = draft.view(view)?.own.find(({ kind }) => kind === KIND.notarize)
  if (own === undefined || leaderOf(committee, view) !== self) return 0
  const bytes = PROPOSAL_BYTES + COMMAND_ID_BYTES * (heldAt(draft, view, own.digest)?.proposal.commands ?? 0)
  return bytes <= room && sendProposal(draft, member, view, own.digest) ? bytes : 0
}

function sendProposal(draft: Draft, member: number, view: number, digest: string | null): boolean {
  const held = draft.view(view)?.held.find(({ proposal }) => digest === null || proposal.digest === digest)
  if (held === undefined || held.signature.length === 0) return false
  const { proposal, signature } = held
  draft.emit({ type: 'send', to: member, message: { type: 'propose', proposal, signature } })
  return true
}

/** Answers from anything that is held, however far below the own floor. */
export function answerRequest(draft: Draft, from: number, view: number, want: 0 | VoteKind): void {
  const at = draft.view(view)
  const { final } = draft.state
  if (want === KIND.finalize && final.certificate !== null && final.view >= view) {
    draft.emit({ type: 'send', to: from, message: { type: 'certificate', certificate: final.certificate } })
  }
  if (at === undefined) return
  for (const kind of KINDS) {
    const { certificate } = at.tallies[kind]
    if (certificate === null || kind === KIND.finalize) continue
    draft.emit({ type: 'send', to: from, message: { type: 'certificate', certificate } })
  }
  if (want !== KIND.nullify) sendProposal(draft, from, view, at.tallies[KIND.notarize].certificate?.digest ?? null)
}

/** Asks for parts of a view, at most once a retry period; each time another member, the likeliest first. */
export function ask(draft: Draft, view: number, want: 0 | VoteKind, likeliest: readonly number[]): void {
  const at = draft.view(view)
  if (at !== undefined && draft.nowMs - at.askedMs < draft.state.config.rules.retryMs(draft.state)) return
  const { marks, config } = draft.state
  const usable = (member: number) => member !== config.self && marks[member]?.up === true
  const targets = [...new Set([...likeliest, ...marks.keys()])].filter(usable)
  const asks = at?.asks ?? 0
  const target = targets[asks % targets.length]
  if (target === undefined) return
  draft.edit(view, { askedMs: draft.nowMs, asks: asks + 1 })
  draft.emit({ type: 'send', to: target, message: { type: 'request', view, want } })
}

/** Certificates whose grace has passed go to members whose mark has not: without faults to none. */
export function sendDueCertificates(draft: Draft): void {
  const { state, nowMs } = draft
  for (const view of draft.viewsAbove(state.final.view)) {
    if (view.certificateDueMs === null || view.certificateDueMs > nowMs) continue
    draft.edit(view.view, { certificateDueMs: null })
    for (const kind of [KIND.notarize, KIND.nullify] as const) {
      const { certificate } = view.tallies[kind]
      if (certificate !== null) sendToThose(draft, certificate, ({ view: at }) => at <= view.view)
    }
  }
  if (state.finalDue === null || state.finalDue.atMs > nowMs) return
  const { view } = state.finalDue
  state.finalDue = null
  if (state.final.certificate !== null) sendToThose(draft, state.final.certificate, ({ final }) => final < view)
}

function sendToThose(draft: Draft, certificate: Certificate, lacks: (mark: Mark) => boolean): void {
  draft.state.marks.forEach((mark, member) => {
    if (member === draft.state.config.self || !mark.up || !lacks(mark)) return
    draft.emit({ type: 'send', to: member, message: { type: 'certificate', certificate } })
  })
}

/** Schedules the newest finalization for members that stay behind. */
export function scheduleFinal(draft: Draft): void {
  const { state } = draft
  state.finalDue ??= { atMs: draft.nowMs + certificateGraceMs(state) + FINAL_GRACE_MS, view: state.final.view }
}

/** Resends what members that are behind lack, and asks those that are ahead. */
export function retry(draft: Draft): void {
  const { state, nowMs } = draft
  if (nowMs < state.retryDueMs) return
  state.retryDueMs = nowMs + state.config.rules.retryMs(state)
  const stuck = nowMs - state.enteredMs > state.deltaMs
  state.marks.forEach((mark, member) => {
    if (member === state.config.self || !mark.up) return
    if (mark.final > state.final.view) requestFinal(draft, member, mark.final)
    const late = mark.final < state.final.view && nowMs - state.finalAtMs > state.deltaMs + FINAL_GRACE_MS
    if (late || (stuck && mark.view <= state.view)) serve(draft, member, mark)
  })
}

export function requestFinal(draft: Draft, member: number, view: number): void {
  draft.emit({ type: 'send', to: member, message: { type: 'request', view, want: KIND.finalize } })
}

/** Nothing was finalized for long: everything above the floor to everybody, whatever their marks say. */
export function breakStandstill(draft: Draft): void {
  const { state, nowMs } = draft
  if (nowMs < state.standstillDueMs) return
  state.standstillDueMs = nowMs + state.config.rules.standstillMs(state)
  state.marks.forEach((mark, member) => {
    if (member !== state.config.self && mark.up) serve(draft, member, { view: 0, final: 0 })
  })
}
