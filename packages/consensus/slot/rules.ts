import { certifies, leaderOf, weightOf } from '../committee.ts'
import { type Digest, KIND, KINDS, NO_DIGEST } from '../statement.ts'
import type { SlotDraft } from './draft.ts'
import { SLOT_VIEWS_AHEAD, SLOT_VIEWS_MAX, type SlotState } from './state.ts'
import { DISAGREE, notarizeKind, RESULT, type SlotCertificate, type SlotKind, type SlotVote } from './statement.ts'
import { proposeAtMs } from './timing.ts'

/** All that follows from what is here: certificates, the decision, the next view, and what this member says. */
export function settle(draft: SlotDraft): void {
  while (draft.state.decided === null) {
    assemble(draft)
    if (decide(draft)) return
    finalizeNotarized(draft)
    if (!advance(draft)) break
  }
  if (draft.state.decided === null && !draft.state.undecided) speak(draft)
}

/** Votes of a quorum for one statement become its certificate. */
function assemble(draft: SlotDraft): void {
  draft.state.views.forEach((view, at) => {
    for (const role of KINDS) {
      if (view.certificates[role] !== undefined) continue
      const votes = view.votes[role].filter((vote) => vote !== undefined)
      for (const digest of new Set(votes.map((vote) => vote.digest))) {
        const agreeing = votes.filter((vote) => vote.digest === digest)
        const kind = role === KIND.notarize ? notarizeKind(at) : role
        if (
          !certifies(
            draft.state.config.committee,
            kind,
            agreeing.map(({ signer }) => signer)
          )
        )
          continue
        holdCertificate(draft, certificateOf(agreeing, kind))
      }
    }
  })
}

function certificateOf(votes: readonly SlotVote[], kind: SlotKind): SlotCertificate {
  const [{ epoch, view, digest }] = votes as [SlotVote]
  return {
    kind,
    epoch,
    view,
    digest,
    signers: votes.map(({ signer }) => signer),
    signatures: votes.map(({ signature }) => signature)
  }
}

export function holdCertificate(draft: SlotDraft, certificate: SlotCertificate): void {
  const role = certificate.kind === RESULT ? KIND.notarize : certificate.kind
  const { certificates } = draft.view(certificate.view)
  draft.edit(certificate.view, { certificates: { ...certificates, [role]: certificate } })
  draft.emit({ type: 'keep', certificate })
}

function decide(draft: SlotDraft): boolean {
  const certificate = draft.state.views.map((view) => view.certificates[KIND.finalize]).find((one) => one !== undefined)
  if (certificate === undefined) return false
  draft.set({ decided: certificate })
  draft.emit({ type: 'decided', certificate })
  return true
}

/** Also for a view that is past: its finalize votes count wherever their senders are by now. */
function finalizeNotarized(draft: SlotDraft): void {
  draft.state.views.forEach(({ certificates, said, leaderLied }, view) => {
    const notarization = certificates[KIND.notarize]
    if (notarization === undefined || leaderLied || said[KIND.nullify] !== undefined) return
    if (said[KIND.finalize] === undefined) cast(draft, KIND.finalize, view, notarization.digest)
  })
}

/** On with a notarization or a nullification; without leader views a nullified result view is the end. */
function advance(draft: SlotDraft): boolean {
  const { config, view, undecided } = draft.state
  const { certificates } = draft.view(view)
  const nullification = certificates[KIND.nullify]
  if (nullification === undefined && certificates[KIND.notarize] === undefined) return false
  if (!config.leaderViews) {
    if (nullification === undefined || undecided) return false
    draft.set({ undecided: true })
    draft.emit({ type: 'undecided', certificate: nullification })
    return false
  }
  if (view + 1 >= SLOT_VIEWS_MAX) return false
  draft.set({ view: view + 1, enteredMs: draft.nowMs })
  forget(draft, view + 1 - SLOT_VIEWS_AHEAD)
  return true
}

/** The votes of a view that is long over are in its certificate; results are wanted to the end. */
function forget(draft: SlotDraft, view: number): void {
  if (view < 1 || view >= draft.state.views.length) return
  draft.edit(view, { votes: { [KIND.notarize]: [], [KIND.nullify]: [], [KIND.finalize]: [] }, proposal: null })
}

function speak(draft: SlotDraft): void {
  const { view, config } = draft.state
  if (view === 0) {
    if (isHopeless(draft.state)) nullify(draft)
    return
  }
  const { leaderLied, votes, proposal } = draft.view(view)
  const leader = leaderOf(config.committee, view)
  if (leaderLied || votes[KIND.nullify][leader] !== undefined) return nullify(draft)
  if (leader === config.self) return propose(draft)
  if (proposal !== null && isJustified(draft.state, view, proposal.vote.digest, proposal.results)) {
    notarize(draft, proposal.vote.digest)
  }
}

/** No result can still reach a quorum, even if all that are unheard agreed with the leading one. */
function isHopeless({ config: { committee }, views }: SlotState): boolean {
  const results = (views[0]?.votes[KIND.notarize] ?? []).filter((vote) => vote !== undefined)
  const heard = weightOf(
    committee,
    results.map(({ signer }) => signer)
  )
  const best = Math.max(0, ...[...new Set(results.map(({ digest }) => digest))].map((one) => supportOf(one)))
  function supportOf(digest: Digest): number {
    return weightOf(
      committee,
      results.filter((vote) => vote.digest === digest).map(({ signer }) => signer)
    )
  }
  return best + committee.total - heard < committee.quorum
}

/** Never after own finalize of the view. */
export function nullify(draft: SlotDraft): void {
  const { view } = draft.state
  const { said } = draft.view(view)
  if (said[KIND.finalize] === undefined && said[KIND.nullify] === undefined) cast(draft, KIND.nullify, view, NO_DIGEST)
}

/** The first justified proposal of the view, unless this member gave the view up. */
function notarize(draft: SlotDraft, digest: Digest): void {
  const { view } = draft.state
  const { said } = draft.view(view)
  if (said[KIND.notarize] === undefined && said[KIND.nullify] === undefined) cast(draft, KIND.notarize, view, digest)
}

function propose(draft: SlotDraft): void {
  const { state, nowMs } = draft
  if (nowMs < proposeAtMs(state) || draft.view(state.view).said[KIND.notarize] !== undefined) return
  const choice = choose(state)
  if (choice === undefined || draft.view(state.view).said[KIND.nullify] !== undefined) return
  const { epoch } = state.config.committee
  const vote = { kind: KIND.notarize, epoch, view: state.view, digest: choice.digest, signer: state.config.self ?? 0 }
  draft.edit(state.view, { proposal: { vote: { ...vote, signature: new Uint8Array(64) }, results: choice.results } })
  notarize(draft, choice.digest)
}

/** The value of the newest notarized view if the ones after it are nullified; else what the results justify. */
function choose(state: SlotState): { readonly digest: Digest; readonly results: readonly SlotVote[] } | undefined {
  const { view, views, config } = state
  const notarized = inherited(state, view)
  if (notarized !== undefined) return { digest: notarized.digest, results: [] }
  if (views.slice(0, view).some(({ certificates }) => certificates[KIND.nullify] === undefined)) return undefined
  const results = (views[0]?.votes[KIND.notarize] ?? []).filter((vote) => vote !== undefined)
  for (const digest of [...new Set(results.map((vote) => vote.digest))].sort()) {
    const agreeing = results.filter((vote) => vote.digest === digest)
    if (
      weightOf(
        config.committee,
        agreeing.map(({ signer }) => signer)
      ) > config.committee.faults
    ) {
      return { digest, results: agreeing }
    }
  }
  return justifiesDisagreement(state, results) ? { digest: DISAGREE, results } : undefined
}

/** The notarization that a proposal of this view may repeat. */
function inherited({ views }: SlotState, view: number): SlotCertificate | undefined {
  for (let at = view - 1; at >= 0; at--) {
    const certificates = views[at]?.certificates
    if (certificates?.[KIND.notarize] !== undefined) return certificates[KIND.notarize]
    if (certificates?.[KIND.nullify] === undefined) return undefined
  }
  return undefined
}

/**
 * May this value be notarized in this view? It repeats a notarized view since when all were nullified; or all
 * before were, and results of more than F, so of an honest replica, say so; or of a quorum, and no value has
 * more than F. Nothing decided lies in the gap, since no view has a nullification beside a finalization.
 */
export function isJustified(
  { config: { committee }, views }: SlotState,
  view: number,
  digest: Digest,
  results: readonly SlotVote[]
): boolean {
  for (let at = view - 1; at >= 0; at--) {
    const certificates = views[at]?.certificates
    if (certificates?.[KIND.notarize]?.digest === digest) return true
    if (certificates?.[KIND.nullify] === undefined) return false
  }
  if (digest === DISAGREE) return justifiesDisagreement({ config: { committee } }, results)
  const agreeing = results.filter((vote) => vote.kind === RESULT && vote.digest === digest)
  return (
    weightOf(
      committee,
      agreeing.map(({ signer }) => signer)
    ) > committee.faults
  )
}

function justifiesDisagreement(
  { config: { committee } }: { readonly config: Pick<SlotState['config'], 'committee'> },
  votes: readonly SlotVote[]
): boolean {
  const results = votes.filter(({ kind }) => kind === RESULT)
  const signersOf = (digest: Digest) => results.filter((vote) => vote.digest === digest).map(({ signer }) => signer)
  const signers = results.map(({ signer }) => signer)
  if (new Set(signers).size !== signers.length || weightOf(committee, signers) < committee.quorum) return false
  return results.every(({ digest }) => weightOf(committee, signersOf(digest)) <= committee.faults)
}

/** Said from now on, and counted once it is on disk. */
export function cast(draft: SlotDraft, kind: SlotKind, view: number, digest: Digest): void {
  if (draft.state.config.self === null) return
  const role = kind === RESULT ? KIND.notarize : kind
  draft.edit(view, { said: { ...draft.view(view).said, [role]: digest } })
  draft.emit({ type: 'cast', statement: { kind, epoch: draft.state.config.committee.epoch, view, digest } })
}
