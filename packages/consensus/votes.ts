import { type Certificate, certify, isWellFormed, votesOf } from './certificate.ts'
import { leaderOf } from './committee.ts'
import type { Draft } from './draft.ts'
import type { DropReason, Purpose } from './events.ts'
import { CERTIFIED_AHEAD, emptyView, VIEWS_AHEAD, type ViewState, withTally } from './state.ts'
import { contradicts, KIND, KINDS, type Statement, sameStatement, type Vote } from './statement.ts'
import { EMPTY_TALLY, type Slot, type Tally, weightFor, withSlots, withVote } from './tally.ts'
import { certificateGraceMs } from './timing.ts'

/**
 * Puts a vote into its slot and asks for signatures to be checked once a quorum is in sight. Votes
 * that arrive on the signer's own authenticated stream take their slot unverified.
 *
 * @returns false if this very vote was here before, so that its sender may lack what came of it
 */
export function receiveVote(draft: Draft, vote: Vote, from: number, verified: boolean): boolean {
  const { committee, rules } = draft.state.config
  const refused = rules.mayTakeSlot(vote, from, verified) ? refusal(draft, vote) : 'signer'
  if (refused !== null) {
    draft.emit({ type: 'dropped', reason: refused, from: vote.signer })
    return true
  }
  const before = draft.view(vote.view)
  const tally = before?.tallies[vote.kind] ?? EMPTY_TALLY
  const slot = tally.slots[vote.signer]
  if (slot !== undefined && rules.isCounted(slot, vote) && (slot.verified || !verified)) return false
  if (before !== undefined) reportConflict(draft, before, vote)
  if (slot !== undefined && !sameStatement(slot.vote, vote) && (slot.verified || !verified)) return true
  const after = withVote(tally, vote, verified, committee, rules)
  draft.setTally(vote.view, vote.kind, after)
  if (after.certificate === null && vote.view > draft.state.final.view) seekQuorum(draft, after, vote)
  if (vote.kind === KIND.nullify && vote.signer === leaderOf(committee, vote.view)) draft.decided = true
  return true
}

function refusal(draft: Draft, { signer, epoch, view }: Vote): DropReason | null {
  const { config, base } = draft.state
  if (epoch !== config.committee.epoch) return 'epoch'
  if (signer >= config.committee.members.length) return 'signer'
  if (view < base || view > draft.state.view + VIEWS_AHEAD) return 'view'
  return draft.state.marks[signer]?.ignored === true ? 'ignored' : null
}

/** The second of two statements that exclude each other is evidence, whatever becomes of its slot. */
function reportConflict(draft: Draft, view: ViewState, vote: Vote): void {
  for (const kind of KINDS) {
    const other = view.tallies[kind].slots[vote.signer]?.vote
    if (other === undefined || !contradicts(other, vote)) continue
    draft.emit({ type: 'conflict', a: other, b: vote })
    if (vote.signer === leaderOf(draft.state.config.committee, vote.view)) draft.edit(vote.view, { leaderLied: true })
  }
}

/** When votes for one statement reach the threshold: assemble, or have the heaviest needed ones checked first. */
function seekQuorum(draft: Draft, tally: Tally, statement: Statement): void {
  const { view, kind, digest } = statement
  const { committee, rules } = draft.state.config
  if (tally.checking === digest || weightFor(tally, statement) < rules.quorumOf(committee)) return
  const chosen = chooseQuorum(draft, tally, statement)
  if (chosen === undefined) return
  const unverified = chosen.filter(({ verified }) => !verified).map(({ vote }) => vote)
  if (unverified.length === 0) {
    setCertificate(draft, certify(chosen.map(({ vote }) => vote)))
    return
  }
  draft.setTally(view, kind, { ...tally, checking: digest })
  draft.emit({ type: 'verify', purpose: { type: 'tally', view, kind, digest }, votes: unverified })
}

/**
 * Of votes that weigh enough: verified ones first, then the heaviest, until they weigh a quorum and are
 * diverse. All of one statement: a liar may sign the right digest beside a wrong `parentView`, and such a
 * vote would spoil the certificate it is put into.
 */
function chooseQuorum(draft: Draft, { slots }: Tally, statement: Statement): readonly Slot[] | undefined {
  const { committee, rules } = draft.state.config
  const weightOf = ({ vote }: Slot) => rules.weightOf(committee, vote.signer)
  const verified: Slot[] = []
  const others: Slot[] = []
  let isDescending = true
  for (const slot of slots) {
    if (slot === undefined || !sameStatement(slot.vote, statement)) continue
    const list = slot.verified ? verified : others
    const before = list.at(-1)
    isDescending &&= before === undefined || weightOf(before) >= weightOf(slot)
    list.push(slot)
  }
  // Where all weigh the same there is nothing to sort.
  if (!isDescending) others.sort((a, b) => weightOf(b) - weightOf(a))
  const chosen: Slot[] = []
  let weight = 0
  for (let i = 0; i < verified.length + others.length; i++) {
    const slot = (i < verified.length ? verified[i] : others[i - verified.length]) as Slot
    chosen.push(slot)
    weight += weightOf(slot)
    if (weight < rules.quorumOf(committee) && i < verified.length + others.length - 1) continue
    if (rules.isDiverse(committee, statement.kind, signersOf(chosen))) return chosen
  }
  return undefined
}

const signersOf = (slots: readonly Slot[]) => slots.map(({ vote }) => vote.signer)

/** Signatures of a tally were checked: bad ones lose their slot and their signer its voice, then the count goes on. */
export function verifiedTally(
  draft: Draft,
  purpose: Purpose & { type: 'tally' },
  votes: readonly Vote[],
  bad: readonly number[]
): void {
  const { view, kind } = purpose
  const before = draft.view(view)
  if (before === undefined) return
  const { committee, rules } = draft.state.config
  const slots = before.tallies[kind].slots.slice()
  for (const vote of votes) {
    const isBad = bad.includes(vote.signer)
    if (isBad) silence(draft, vote.signer)
    if (slots[vote.signer]?.vote === vote) slots[vote.signer] = isBad ? undefined : { vote, verified: true }
  }
  const after = withSlots(before.tallies[kind], slots, bad.length > 0, committee, rules)
  draft.setTally(view, kind, after)
  const [checked] = votes
  if (checked !== undefined && after.certificate === null) seekQuorum(draft, after, checked)
}

/** Its stream is authenticated, so a bad signature is its own doing: it is not counted again in this epoch. */
function silence(draft: Draft, member: number): void {
  draft.mark(member, { ignored: true })
  draft.emit({ type: 'dropped', reason: 'signature', from: member })
}

/** A certificate from another member: worth a check of its signatures only if it says something new. */
export function receiveCertificate(draft: Draft, certificate: Certificate, from: number): void {
  const { final, view } = draft.state
  if (draft.state.marks[from]?.ignored === true) return draft.emit({ type: 'dropped', reason: 'ignored', from })
  if (!isDecisive(draft, certificate)) return draft.emit({ type: 'dropped', reason: 'malformed', from })
  if (isKnown(draft, certificate)) return
  if (certificate.view <= final.view) return
  if (certificate.kind !== KIND.finalize && certificate.view > view + CERTIFIED_AHEAD) {
    return draft.emit({ type: 'dropped', reason: 'view', from })
  }
  const slots = draft.view(certificate.view)?.tallies[certificate.kind].slots ?? []
  const unverified = votesOf(certificate).filter((vote) => {
    const slot = slots[vote.signer]
    return !(
      slot?.verified === true &&
      sameStatement(slot.vote, vote) &&
      Buffer.compare(slot.vote.signature, vote.signature) === 0
    )
  })
  const purpose: Purpose = { type: 'certificate', certificate, from }
  if (unverified.length === 0) verifiedCertificate(draft, purpose, [])
  else draft.emit({ type: 'verify', purpose, votes: unverified })
}

function isDecisive(draft: Draft, certificate: Certificate): boolean {
  const { committee, rules } = draft.state.config
  return isWellFormed(committee, certificate, (_committee, _kind, signers) => {
    const list = [...signers]
    const weight = list.reduce((sum, signer) => sum + rules.weightOf(committee, signer), 0)
    return weight >= rules.quorumOf(committee) && rules.isDiverse(committee, certificate.kind, list)
  })
}

function isKnown(draft: Draft, { view, kind }: Certificate): boolean {
  if ((draft.view(view)?.tallies[kind].certificate ?? null) !== null) return true
  return kind === KIND.finalize && draft.state.ahead !== null && draft.state.ahead.certificate.view >= view
}

export function verifiedCertificate(
  draft: Draft,
  purpose: Purpose & { type: 'certificate' },
  bad: readonly number[]
): void {
  const { certificate, from } = purpose
  if (bad.length > 0) return silence(draft, from)
  if (isKnown(draft, certificate)) return
  for (const vote of votesOf(certificate)) {
    if (vote.view <= draft.state.view + VIEWS_AHEAD) receiveVote(draft, vote, vote.signer, true)
  }
  if (!isKnown(draft, certificate)) setCertificate(draft, certificate)
}

/** A quorum has spoken. */
function setCertificate(draft: Draft, certificate: Certificate): void {
  const { view, kind } = certificate
  const { state, nowMs } = draft
  if (view <= state.final.view) return
  draft.decided = true
  draft.emit({ type: 'keep', certificate })
  if (kind === KIND.finalize) {
    if (state.ahead === null || state.ahead.certificate.view < view) {
      state.ahead = { certificate, sinceMs: nowMs, reported: false }
    }
    if (view > state.view + CERTIFIED_AHEAD) return
  }
  const before = draft.view(view) ?? emptyView(view)
  draft.put({
    ...before,
    tallies: withTally(before, kind, { ...before.tallies[kind], certificate, checking: null }),
    certificateDueMs: kind === KIND.finalize ? before.certificateDueMs : nowMs + certificateGraceMs(state)
  })
  const block =
    kind === KIND.notarize ? before.held.find(({ proposal }) => proposal.digest === certificate.digest) : undefined
  if (block !== undefined) draft.emit({ type: 'notarized', proposal: block.proposal })
}
