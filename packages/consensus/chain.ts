import type { Draft } from './draft.ts'
import { type Held, type Parent, PROPOSALS_PER_VIEW, type Proposal } from './state.ts'
import { type Digest, KIND } from './statement.ts'

export function heldAt(draft: Draft, view: number, digest: Digest): Held | undefined {
  return draft.view(view)?.held.find(({ proposal }) => proposal.digest === digest)
}

/** The parent of a block if it is certified here: its payload and all below it are held and valid. */
export function certifiedParent(draft: Draft, proposal: Proposal): Parent | undefined {
  const { final } = draft.state
  if (proposal.parentView === final.view) return proposal.parent === final.digest ? final : undefined
  if (proposal.parentView < final.view) return undefined
  const held = heldAt(draft, proposal.parentView, proposal.parent)
  return held?.certified === true ? held.proposal : undefined
}

/** The unfinalized blocks below this one, newest first; only meaningful when its parent is certified. */
export function ancestorsOf(
  draft: Draft,
  proposal: { readonly parentView: number; readonly parent: Digest }
): Proposal[] {
  const ancestors: Proposal[] = []
  let { parentView, parent } = proposal
  while (parentView > draft.state.final.view) {
    const held = heldAt(draft, parentView, parent)
    if (held === undefined) break
    ancestors.push(held.proposal)
    parentView = held.proposal.parentView
    parent = held.proposal.parent
  }
  return ancestors
}

/** Keeps a block; false where it is here already or the view has no room. */
export function hold(draft: Draft, proposal: Proposal, signature: Uint8Array): boolean {
  const before = draft.view(proposal.view)?.held ?? []
  if (before.length >= PROPOSALS_PER_VIEW) return false
  if (before.some((held) => held.proposal.digest === proposal.digest)) return false
  const held: Held = { proposal, signature, certified: false, invalid: false }
  draft.put({ ...draft.at(proposal.view), held: [...before, held] })
  return true
}

/** Puts the leader's signature to a block that was held before it was signed. */
export function sign(draft: Draft, proposal: Proposal, signature: Uint8Array): void {
  const held = heldAt(draft, proposal.view, proposal.digest)
  if (held !== undefined) replace(draft, held, { signature })
}

/** Judges every held block whose parent has become certified, lowest view first. True if any was. */
export function certifyHeld(draft: Draft): boolean {
  let changed = false
  const { final, views } = draft.state
  for (let view = final.view + 1; view <= final.view + views.length; view++) {
    for (const held of draft.view(view)?.held ?? []) {
      if (held.certified || held.invalid) continue
      const parent = certifiedParent(draft, held.proposal)
      if (parent === undefined) continue
      replace(draft, held, isValid(draft, held.proposal, parent) ? { certified: true } : { invalid: true })
      changed = true
    }
  }
  return changed
}

/** Validity that depends on the chain alone, so that a slow clock keeps nobody out of a notarized chain. */
function isValid(draft: Draft, proposal: Proposal, parent: Parent): boolean {
  return (
    proposal.height === parent.height + 1 &&
    proposal.timeMs >= parent.timeMs &&
    isAccepted(draft, proposal, parent, true)
  )
}

/** The program's say; before an own notarize it is asked with the wall clock too. */
export function isAccepted(draft: Draft, proposal: Proposal, parent: Parent, isNotarized: boolean): boolean {
  const { judge, rules } = draft.state.config
  return judge(proposal, parent, ancestorsOf(draft, proposal), rules.judgingClock(isNotarized, draft.wallMs))
}

function replace(draft: Draft, held: Held, change: Partial<Held>): void {
  const before = draft.at(held.proposal.view)
  const after = { ...held, ...change }
  draft.put({ ...before, held: before.held.map((other) => (other === held ? after : other)) })
}

/** The block of a view that a quorum notarized, if it is certified here. */
export function certifiedNotarization(draft: Draft, view: number): Held | undefined {
  const certificate = draft.view(view)?.tallies[KIND.notarize].certificate
  if (certificate === undefined || certificate === null) return undefined
  const held = heldAt(draft, view, certificate.digest)
  return held?.certified === true ? held : undefined
}

export function isNullified(draft: Draft, view: number): boolean {
  return (draft.view(view)?.tallies[KIND.nullify].certificate ?? null) !== null
}

/** The highest view in the open interval (parent, view) that has no nullification here; undefined if none lacks it. */
export function gapBetween(draft: Draft, parent: number, view: number): number | undefined {
  return draft.state.config.rules.gapBetween((v) => isNullified(draft, v), parent, view)
}
