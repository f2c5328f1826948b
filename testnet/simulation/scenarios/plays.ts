import type { Frame } from '../node/frame.ts'
import { FINALIZE, NOTARIZE, NULLIFY } from '../oracle/statement.ts'
import type { SimGroup } from '../runs/group.ts'
import type { Workload } from '../runs/workload.ts'
import { pick } from '../world/streams.ts'
import { playExact } from './exact.ts'
import { isExact, type Scenario } from './names.ts'

/** What a scenario is played with. */
export interface Stage {
  readonly group: SimGroup
  readonly workload: Workload
  /** Everything pending becomes final within so many ms, at those that are alive, or the run has failed. */
  settle(withinMs: number): void
}

/** A nullified view costs up to its deadline; half a minute holds the longest row of them. */
const SLOW_MS = 40_000
/** To bring about a split: a deadline and a few retries. */
const SPLIT_WITHIN_MS = 4_000
/** Two deadlines, those of the silent member's view, and (n + 2) x 4 Delta of 20 ms: well before a standstill is noticed. */
const SPLIT_HEALS_MS = 1_200
/** Some views' deadlines, those of the unaware one's own view among them. */
const UNAWARE_MS = 2_000
const DOWN_MS = 20
/** Longer than a client waits before it asks everybody. */
const FORGOT_MS = 2_500
const START_MS = 20
const PUSHED_MS = 250
const EVERYBODY = [0, 1, 2, 3]
/** Beside the kinds of votes: a block, which brings its leader's vote. */
const PROPOSAL = 0

export function play(scenario: Scenario, stage: Stage): void {
  if (isExact(scenario)) return playExact(scenario, stage)
  if (scenario === 'slow-network') return playSlow(stage)
  if (scenario === 'split-asking') return playAsking(stage)
  if (scenario === 'unaware') return playUnaware(stage)
  if (scenario === 'finalized-and-forgot') return playForgot(stage)
  return playSplit(stage, scenario)
}

function playSlow({ group, workload, settle }: Stage): void {
  group.world.runUntil(2_000_000)
  for (let i = 0; i < 3; i++) workload.submit(1)
  settle(SLOW_MS)
}

/** All three that are left must nullify the silent leader's view, and one of them has no reason of its own to. */
function playUnaware({ group, workload, settle }: Stage): void {
  group.world.runUntil(START_MS * 1_000)
  const silent = group.committee.leaders[0] ?? 0
  const unaware = pick(
    group.streams.faults,
    EVERYBODY.filter((member) => member !== silent)
  )
  group.crash(silent)
  group.filter = (_, to, frame) => (to === unaware && frame.content.type === 'command' ? null : frame)
  workload.exclude(unaware)
  workload.submit(1)
  settle(UNAWARE_MS)
}

/**
 * A member gets a notarized block by asking for it, says finalize, and dies. It comes back into the same
 * view with that vote in its journal, hears nobody, and has work to do: its deadlines must not move it.
 */
function playForgot({ group, workload, settle }: Stage): void {
  const { world, committee, streams } = group
  world.runUntil(START_MS * 1_000)
  const [leader] = committee.leaders
  const late = pick(
    streams.faults,
    EVERYBODY.filter((member) => member !== leader)
  )
  let hasFinalized = false
  let isDeaf = false
  group.onCast = (process, kind, view) => {
    hasFinalized ||= process === late && kind === FINALIZE && view === 1
  }
  group.onPoint = (process, point) => {
    if (process !== late || point !== 'after-sync' || !hasFinalized || isDeaf) return
    isDeaf = true
    group.crash(late)
    world.after(DOWN_MS * 1_000, () => group.restart(late))
  }
  group.filter = (from, to, frame) => {
    if (to !== late) return frame
    if (isDeaf) return null
    if (frame.content.type === 'propose' && from === leader) return voteAlone(frame, frame.content, leader)
    return frame.content.type === 'request' ? frame : filtered(frame, (kind) => kind !== FINALIZE)
  }
  workload.submit(1)
  world.runUntil(world.nowUs + FORGOT_MS * 1_000)
  workload.submit(1)
  world.runUntil(world.nowUs + FORGOT_MS * 1_000)
  group.filter = null
  settle(FORGOT_MS)
}

/**
 * A view is notarized by three of four, and nullified by the same three: some then hear of the one, the
 * others of the other. All three are needed, so each must learn what it lacks.
 */
function playSplit(stage: Stage, scenario: Scenario): void {
  const { group } = stage
  const { committee, streams } = group
  group.world.runUntil(START_MS * 1_000)
  const lone = pick(streams.faults, EVERYBODY)
  const silent = pick(
    streams.faults,
    EVERYBODY.filter((member) => member !== lone && member !== committee.leaders[0])
  )
  group.crash(silent)
  const present = EVERYBODY.filter((member) => member !== silent)
  const notarizers = new Set(present.filter((member) => (member === lone) === (scenario === 'split-1-2')))
  const nullified = whoNullified(group)
  const isOpen = () => present.every((member) => nullified.has(member))
  heal(stage, present, (kind, to) => {
    if (kind === PROPOSAL) return true
    return isOpen() && kind !== FINALIZE && (kind === NOTARIZE) === notarizers.has(to)
  })
}

/**
 * The light one alone hears that view 1 is notarized, and finalizes it; the others nullify it, and one whose
 * votes stand in both is silent since. Votes that are resent do not show it any more: the
 * light one must ask, and no standstill has been noticed when the time is up.
 */
function playAsking(stage: Stage): void {
  const { group } = stage
  const { committee, streams } = group
  group.world.runUntil(START_MS * 1_000)
  const lone = 0
  const heavy = EVERYBODY.filter((member) => member !== lone)
  const silent = pick(
    streams.faults,
    heavy.filter((member) => member !== committee.leaders[0])
  )
  // Nor does it notarize: of the notarization's voters, too, only two are left.
  const unaware = heavy.find((member) => member !== silent && member !== committee.leaders[0])
  const passes = (kind: number, to: number) => (kind === NULLIFY) !== (to === lone) && kind !== FINALIZE
  heal(stage, EVERYBODY, (kind, to) => passes(kind, to) || (kind === PROPOSAL && to !== unaware), silent)
}

/** Lets view 1 come apart as `passes` has it, until all of them have left it; then everything must become final. */
function heal(
  { group, workload, settle }: Stage,
  present: readonly number[],
  passes: (kind: number, to: number) => boolean,
  falling?: number
): void {
  const { world } = group
  group.filter = (_, to, frame) => filtered(frame, (kind, view) => view !== 1 || passes(kind, to))
  workload.submit(1)
  const isSplit = () => present.every((member) => (group.nodes[member]?.state.view ?? 0) > 1)
  if (!world.runWhile(() => !isSplit(), world.nowUs + SPLIT_WITHIN_MS * 1_000)) return
  if (falling !== undefined) group.crash(falling)
  // Until what is pushed unasked has been pushed in vain, and everybody knows who is how far.
  world.runUntil(world.nowUs + PUSHED_MS * 1_000)
  group.filter = null
  settle(SPLIT_HEALS_MS)
}

/** The leader's vote without its block: as part of a certificate would show it. */
function voteAlone(frame: Frame, content: Extract<Frame['content'], { type: 'propose' }>, signer: number): Frame {
  const { epoch, view, parentView, digest } = content.proposal
  const vote = { kind: NOTARIZE, epoch, view, parentView, digest, signer, signature: content.signature } as const
  return { ...frame, content: { type: 'votes', votes: [vote] } }
}

function whoNullified(group: SimGroup): ReadonlySet<number> {
  const nullified = new Set<number>()
  group.onCast = (process, kind, view) => {
    if (view === 1 && kind === NULLIFY) nullified.add(process)
  }
  return nullified
}

function filtered(frame: Frame, passes: (kind: number, view: number) => boolean): Frame | null {
  const { content } = frame
  if (content.type === 'certificate') return passes(content.certificate.kind, content.certificate.view) ? frame : null
  if (content.type === 'request') return null
  if (content.type === 'propose') return passes(PROPOSAL, content.proposal.view) ? frame : null
  if (content.type !== 'votes') return frame
  const votes = content.votes.filter(({ kind, view }) => passes(kind, view))
  return votes.length === 0 ? null : { ...frame, content: { ...content, votes } }
}
