import type { Verdict } from '@brume/ports'
import type { Effect, TimerName } from './effect.ts'
import type { Instant, MembershipEvent } from './event.ts'
import { FORGET_MS } from './limits.ts'
import { blame } from './rules/blame.ts'
import {
  becomeReady,
  channelOpened,
  frameAllowed,
  helloReceived,
  linkDown,
  linkUp,
  sayHellos,
  scheduleSweep,
  sweep
} from './rules/links.ts'
import { localChanged, ownSynced, renewOwn } from './rules/own.ts'
import { isBlame, receiveRecord } from './rules/receive.ts'
import { dice, emit, jitter, type MembershipState, patch, putEntry, removeEntry, type Turn } from './rules/state.ts'
import {
  digestReceived,
  randomPartner,
  recordsReceived,
  startSync,
  summariesReceived,
  wantReceived
} from './rules/sync.ts'
import { counts, epochAt } from './rules/table.ts'
import { refreshWanted } from './rules/wanted.ts'

export interface Step {
  readonly state: MembershipState
  readonly effects: readonly Effect[]
  /** For `record.received` and the other gossip events: what the topic's validator answers. */
  readonly verdict: Verdict | undefined
}

/**
 * Membership as a pure reducer: no clock, no randomness, no input or output of its own. `at` is when
 * the event happened; effects are executed in order by `effects.ts`.
 */
export function step(state: MembershipState, event: MembershipEvent, at: Instant): Step {
  if (state.phase === 'halted') return { state, effects: [], verdict: 'ignore' }
  const turn: Turn = { state, at, effects: [], verdict: undefined, draft: undefined }
  advanceEpoch(turn)
  handle(turn, event)
  if (turn.effects.some((effect) => effect.type === 'halt')) return halted(turn)
  if (changesWanted(state, turn.state) || event.type === 'opened') refreshWanted(turn)
  return { state: turn.state, effects: turn.effects, verdict: turn.verdict }
}

function changesWanted(before: MembershipState, after: MembershipState): boolean {
  return before.table !== after.table || before.pins !== after.pins || before.epoch !== after.epoch
}

function handle(turn: Turn, event: MembershipEvent): void {
  switch (event.type) {
    case 'opened':
      return opened(turn)
    case 'link.up':
      return linkUp(turn, event.peer)
    case 'link.down':
      return linkDown(turn, event.peer)
    case 'channel.opened':
      return channelOpened(turn, event.peer)
    case 'journal.synced':
      ownSynced(turn, event.seq)
      return sayHellos(turn)
    case 'journal.failed':
      return emit(turn, { type: 'halt', reason: 'journal', detail: event.detail })
    case 'timer.fired':
      return timerFired(turn, event.timer)
    case 'local.changed':
      return localChanged(turn, event.local)
    case 'pins.changed':
      return patch(turn, { pins: new Map(turn.state.pins).set(event.owner, event.peers) })
    case 'leave':
      patch(turn, { phase: 'leaving' })
      return renewOwn(turn, 'leaving')
    case 'record.received':
      return gossiped(turn, event.from, event.record)
    case 'gossip.unknown':
      turn.verdict = 'ignore'
      return
    case 'gossip.malformed':
      turn.verdict = 'reject'
      emit(turn, { type: 'count.record', outcome: 'malformed' })
      return emit(turn, { type: 'malformed', peer: event.from, reason: event.reason })
    case 'frame.malformed':
      return blame(turn, event.from, event.reason)
    default:
      return frameReceived(turn, event)
  }
}

function frameReceived(
  turn: Turn,
  event: Extract<
    MembershipEvent,
    { type: 'hello.received' | 'digest.received' | 'summaries.received' | 'want.received' | 'records.received' }
  >
): void {
  if (!frameAllowed(turn, event.from, event.type === 'hello.received')) return
  switch (event.type) {
    case 'hello.received':
      return helloReceived(turn, event.from, event.hello)
    case 'digest.received':
      return digestReceived(turn, event.from, event.digest)
    case 'summaries.received':
      return summariesReceived(turn, event.from, event.summaries)
    case 'want.received':
      return wantReceived(turn, event.from, event.want)
    case 'records.received':
      recordsReceived(turn, event.from, event.records)
      return becomeReady(turn)
  }
}

function gossiped(turn: Turn, from: string, record: Uint8Array): void {
  const outcome = receiveRecord(turn, record, { from })
  turn.verdict = outcome === 'accepted' ? 'accept' : isBlame(outcome) ? 'reject' : 'ignore'
  if (isBlame(outcome)) emit(turn, { type: 'malformed', peer: from, reason: `a gossiped record: ${outcome}` })
}

/** Everything is bound: publish, start the timers, ask for the peers known from last time. */
function opened(turn: Turn): void {
  const { timing } = turn.state.config
  renewOwn(turn, 'now')
  emit(turn, { type: 'arm', timer: 'sync', delayMs: jitter(turn, timing.syncMs) })
  emit(turn, { type: 'arm', timer: 'settle', delayMs: timing.settleMs })
  armEpoch(turn)
  scheduleSweep(turn, turn.at.nowMs + timing.suspectMs)
}

function timerFired(turn: Turn, timer: TimerName): void {
  switch (timer) {
    case 'sync': {
      const partner = randomPartner(turn)
      if (partner !== undefined) startSync(turn, partner)
      return emit(turn, { type: 'arm', timer: 'sync', delayMs: jitter(turn, turn.state.config.timing.syncMs) })
    }
    case 'publish':
      return renewOwn(turn, 'soon')
    case 'heartbeat':
      return renewOwn(turn, 'now')
    case 'epoch':
      return armEpoch(turn)
    case 'sweep':
      return sweep(turn)
    case 'settle':
      return becomeReady(turn)
  }
}

/** A new epoch: counters restart, records age, the heartbeat is due at a random moment early in it. */
function advanceEpoch(turn: Turn): void {
  const { config, epoch: before } = turn.state
  const epoch = epochAt(turn.at.wallMs, config.epochMs)
  if (epoch <= before) return
  patch(turn, { epoch, introductions: new Map() })
  expire(turn)
  if (turn.state.phase === 'leaving') return
  emit(turn, { type: 'arm', timer: 'heartbeat', delayMs: dice(turn) * config.timing.saltPublishMs })
}

function expire(turn: Turn): void {
  for (const entry of turn.state.table.values()) {
    const { peer } = entry
    if (peer === turn.state.config.self) continue
    if (turn.at.wallMs - entry.lastSeenMs > FORGET_MS && !turn.state.links.has(peer)) {
      removeEntry(turn, peer)
      emit(turn, { type: 'forget', peer })
      emit(turn, { type: 'notify', change: { type: 'member.forgotten', peer } })
    } else if (entry.liveness.state !== 'dead' && !counts(entry, turn.state.epoch)) {
      putEntry(turn, { ...entry, liveness: { state: 'dead', cause: 'expired' } })
      emit(turn, { type: 'notify', change: { type: 'member.dead', peer, cause: 'expired' } })
    }
  }
}

/** The wall clock may be set meanwhile; the sync timer looks at it too, every 30 s. */
function armEpoch(turn: Turn): void {
  const { epochMs } = turn.state.config
  const intoMs = turn.at.wallMs - epochAt(turn.at.wallMs, epochMs) * epochMs
  emit(turn, { type: 'arm', timer: 'epoch', delayMs: epochMs - intoMs + 1 })
}

function halted(turn: Turn): Step {
  const effects = turn.effects.filter((effect) => effect.type === 'halt' || effect.type === 'count.record')
  return { state: { ...turn.state, phase: 'halted' }, effects, verdict: 'ignore' }
}
