import { leaderOf } from './committee.ts'
import type { Mark, State } from './state.ts'
import { KIND } from './statement.ts'
import { viewAt } from './views.ts'

/** Delta: an upper estimate of one message delay, disk included. The bounds keep a bad measurement harmless. */
export const DELTA_MIN_MS = 50
export const DELTA_MAX_MS = 2_000

/** However often views failed, the next is given up after this long. */
const ADVANCE_MAX_MS = 30_000

/** Back-off of deadlines per nullified view since the last finalization. */
const BACKOFF = 1.5

/** A leader whose stream has been down for this long is not waited for. */
const LEADER_DOWN_MS = 2_000

/** One that says nothing for this long, while a quorum is heard, is not waited for either. */
const LEADER_SILENT_MS = 10_000

/** Resending keeps this pace however long things have gone wrong. */
const RETRY_MIN_MS = 200
const RETRY_MAX_MS = 2_000

const STANDSTILL_MIN_MS = 3_000

/** A finalization is pushed this much later than other certificates: members reach it a little apart. */
export const FINAL_GRACE_MS = 150

/**
 * Delta from what was measured.
 *
 * @param delayMs - half the round trip to the slowest member needed for a quorum
 * @param syncMs - journal sync, 95th percentile
 * @param workMs - what a proposal takes to be judged here: a busy machine is as late as a slow disk
 */
export function deltaOf(delayMs: number, syncMs: number, workMs = 0): number {
  return Math.min(DELTA_MAX_MS, Math.max(DELTA_MIN_MS, 1.5 * (delayMs + syncMs + workMs) + 20))
}

export function certificateGraceMs(state: State): number {
  return state.deltaMs / 4
}

export function retryMs(state: State): number {
  return jittered(state, Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, 2 * state.deltaMs)), 0.1)
}

export function standstillMs(state: State): number {
  return jittered(state, Math.max(STANDSTILL_MIN_MS, 10 * state.deltaMs), 0.2)
}

/** Members must not resend in step, and the reducer has no dice: the view and the own index serve. */
function jittered(state: State, ms: number, share: number): number {
  const mixed = Math.imul((state.config.self ?? 0) + 1, 0x9e3779b1) ^ Math.imul(state.view, 0x85ebca6b)
  return ms * (1 + share * (((mixed >>> 8) % 2_001) / 1_000 - 1))
}

function backoff(state: State): number {
  return Math.min(BACKOFF ** Math.max(0, state.nullified - 1), ADVANCE_MAX_MS)
}

/** When this view's leader is late; null once it was heard or nothing may be said in this view any more. */
export function leaderDeadlineMs(state: State): number | null {
  const said = viewAt(state, state.view)?.said ?? []
  if (!mayNullify(state) || said[KIND.notarize] !== undefined) return null
  const leader = leaderOf(state.config.committee, state.view)
  const start = Math.max(state.enteredMs, state.activeSinceMs)
  return Math.max(start, Math.min(start + 2 * state.deltaMs * backoff(state), distrustedFromMs(state, leader)))
}

/** When this view is given up although its leader was heard. */
export function advanceDeadlineMs(state: State): number | null {
  if (!mayNullify(state)) return null
  const patience = patienceMs(state)
  const start = Math.max(state.enteredMs, state.activeSinceMs)
  const leader = leaderOf(state.config.committee, state.view)
  return Math.max(start, Math.min(start + patience, distrustedFromMs(state, leader)))
}

function patienceMs(state: State): number {
  return Math.min(ADVANCE_MAX_MS, (3 * state.deltaMs + certificateGraceMs(state)) * backoff(state))
}

/**
 * How long votes alone keep a member at work: until it gave the view up itself and said so again. Whoever has more to do has
 * shown it by then; a liar that votes to one member only does not keep that one awake for ever.
 */
export function urgeMs(state: State): number {
  return patienceMs(state) + standstillMs(state)
}

/** From when on a leader is not waited for: it lied, its stream is down, or it is silent while others are not. */
function distrustedFromMs(state: State, leader: number): number {
  const mark = state.marks[leader]
  if (leader === state.config.self || mark === undefined) return Number.POSITIVE_INFINITY
  if (mark.convicted || viewAt(state, state.view)?.leaderLied === true) return Number.NEGATIVE_INFINITY
  return Math.min(downFromMs(state, mark), silentFromMs(state, mark.heardMs))
}

/** Has the leader of this view no stream for so long that nothing of it can be on its way? No timer is needed to say so. */
export function isLeaderGone(state: State, nowMs: number): boolean {
  const mark = state.marks[leaderOf(state.config.committee, state.view)]
  return mark !== undefined && downFromMs(state, mark) <= nowMs
}

/** Without a stream it may still be heard through others: then silence counts, as long as work is open. */
function downFromMs({ activeSinceMs }: State, { up, sinceMs, heardMs }: Mark): number {
  if (up) return Number.POSITIVE_INFINITY
  return (heardMs > sinceMs ? Math.max(heardMs, activeSinceMs) : sinceMs) + LEADER_DOWN_MS
}

/** In idle times nobody speaks, so silence counts from the last activation on, and only once a quorum has spoken since. */
function silentFromMs({ config, marks, activeSinceMs }: State, heardMs: number): number {
  const sinceMs = Math.max(heardMs, activeSinceMs)
  const { committee, rules, self } = config
  let weight = 0
  marks.forEach((mark, member) => {
    if (member === self || mark.heardMs > sinceMs) weight += rules.weightOf(committee, member)
  })
  return weight < rules.quorumOf(committee) ? Number.POSITIVE_INFINITY : sinceMs + LEADER_SILENT_MS
}

function mayNullify(state: State): boolean {
  return state.active && state.voting && state.config.rules.mayNullify(viewAt(state, state.view))
}

/** When a leader may propose: a pause after the proposal before, which costs nothing after idle. */
export function proposeFromMs(state: State): number {
  return state.proposalSeenMs + state.config.minViewMs
}

/** When a leader with nothing to propose makes an empty block, to finalize what is notarized. */
export function flushFromMs(state: State): number {
  return Math.max(state.enteredMs, state.activeSinceMs) + state.deltaMs
}

/**
 * The next moment at which `tick` has something to do; null = no timer at all: a member without open work
 * arms none but for the program's own.
 */
export function wakeAtMs(state: State, nowMs: number): number | null {
  if (!state.active) return state.dueAtMs
  const times = [state.retryDueMs, state.standstillDueMs]
  if (state.dueAtMs !== null) times.push(state.dueAtMs)
  for (const time of [leaderDeadlineMs(state), advanceDeadlineMs(state)]) if (time !== null) times.push(time)
  for (const view of state.views) if (view?.certificateDueMs != null) times.push(view.certificateDueMs)
  if (state.finalDue !== null) times.push(state.finalDue.atMs)
  // A moment that has passed was tried in the step that led here: what it lacks comes as an event.
  if (isOwnTurn(state)) times.push(...[proposeFromMs(state), flushFromMs(state)].filter((time) => time > nowMs))
  return Math.min(...times)
}

/** Is it this member's turn, and has it not yet made a block or given up? */
export function isOwnTurn(state: State): boolean {
  const { self, committee } = state.config
  if (!state.voting || self === null || leaderOf(committee, state.view) !== self) return false
  const said = viewAt(state, state.view)?.said ?? []
  return said[KIND.notarize] === undefined && said[KIND.nullify] === undefined
}

/** `builtFrom` of a view whose leader was asked for an empty block. */
export const EMPTY_ASKED = Number.MAX_SAFE_INTEGER
