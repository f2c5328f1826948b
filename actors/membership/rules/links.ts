import type { PeerId } from '@brume/ports'
import { checkNetwork, decodeRecord, type Hello, RecordError, type SignedRecord } from '@brume/protocols/membership'
import { FRAME_WINDOW_MS, FRAMES_PER_WINDOW_MAX, JOIN_SYNCS, WRONG_NET_BAN_MS } from '../limits.ts'
import { blame } from './blame.ts'
import { indexOf } from './digest.ts'
import { isBlame, receiveRecord } from './receive.ts'
import { emit, type LinkState, patch, putEntry, putLink, type Turn } from './state.ts'
import { startSync } from './sync.ts'
import { counts, type Entry, epochAt, isCurrent } from './table.ts'

export function linkUp(turn: Turn, peer: PeerId): void {
  if (turn.state.links.has(peer)) return
  const now = turn.at.nowMs
  putLink(turn, peer, { upMs: now, helloSent: false, helloReceived: false, windowMs: now, frames: 0 })
  emit(turn, { type: 'connect', peers: [...turn.state.links.keys()] })
  scheduleSweep(turn, now + turn.state.config.timing.helloMs)
  const entry = turn.state.table.get(peer)
  if (entry === undefined || !counts(entry, turn.state.epoch)) return
  const seen = { ...entry, lastSeenMs: turn.at.wallMs, liveness: { state: 'up' } as const }
  putEntry(turn, seen)
  if (entry.liveness.state !== 'up') emit(turn, { type: 'notify', change: { type: 'member.up', peer } })
}

export function linkDown(turn: Turn, peer: PeerId): void {
  if (!turn.state.links.has(peer)) return
  const links = new Map(turn.state.links)
  links.delete(peer)
  patch(turn, { links })
  emit(turn, { type: 'connect', peers: [...links.keys()] })
  const entry = turn.state.table.get(peer)
  if (entry === undefined || entry.liveness.state !== 'up') return
  putEntry(turn, { ...entry, lastSeenMs: turn.at.wallMs, liveness: { state: 'suspect', sinceMs: turn.at.nowMs } })
  emit(turn, { type: 'save', peer })
  emit(turn, { type: 'notify', change: { type: 'member.suspect', peer } })
  scheduleSweep(turn, turn.at.nowMs + turn.state.config.timing.suspectMs)
}

/** The own stream to a peer is open (again): Hello goes first on it. */
export function channelOpened(turn: Turn, peer: PeerId): void {
  const link = turn.state.links.get(peer)
  if (link === undefined) return
  putLink(turn, peer, { ...link, helloSent: false })
  sayHello(turn, peer)
}

/** Says Hello to every open stream that waits for it: the own record has just become known. */
export function sayHellos(turn: Turn): void {
  for (const [peer, link] of turn.state.links) if (!link.helloSent) sayHello(turn, peer)
}

function sayHello(turn: Turn, peer: PeerId): void {
  const { own, links, table, epoch, local } = turn.state
  const link = links.get(peer)
  if (own.record === undefined || link === undefined) return
  putLink(turn, peer, { ...link, helloSent: true })
  const message: Hello = {
    type: 'hello',
    record: own.record.bytes,
    fogTimeMs: Math.max(0, Math.floor(turn.at.wallMs)),
    clockQuality: local.clockQuality,
    members: memberCount(turn),
    root: indexOf(table, epoch).root
  }
  emit(turn, { type: 'send', peer, message })
  tellItself(turn, peer)
}

/**
 * What is known of the peer goes to it after each Hello: one that lost its journal, or whose key a
 * second one uses, learns of it here and nowhere else, for nobody relays a contradiction. Two copies
 * share one peer id, so only the stream that has just opened surely leads to the one behind it.
 */
function tellItself(turn: Turn, peer: PeerId): void {
  const entry = turn.state.table.get(peer)
  if (entry === undefined || !isCurrent(entry, turn.state.epoch)) return
  emit(turn, { type: 'send', peer, message: { type: 'records', records: [entry.record.bytes] } })
}

export function helloReceived(turn: Turn, from: PeerId, hello: Hello): void {
  const record = openHello(turn, from, hello)
  if (record === undefined) return
  const outcome = receiveRecord(turn, hello.record, { from })
  if (isBlame(outcome)) return blame(turn, from, `the record in a Hello: ${outcome}`)
  const link = turn.state.links.get(from)
  if (link !== undefined) putLink(turn, from, { ...link, helloReceived: true })
  // Everybody should know a newcomer within half a second, whoever it met first.
  if (outcome === 'accepted') emit(turn, { type: 'publish', record: hello.record, flood: false })
  reviveByHello(turn, from)
  measureClock(turn, from, hello)
  maybeSync(turn, from, hello)
}

/** A link over which the peer has just proved itself is up, whatever was thought of it. */
function reviveByHello(turn: Turn, from: PeerId): void {
  const entry = turn.state.table.get(from)
  if (entry === undefined || entry.liveness.state === 'up' || !counts(entry, turn.state.epoch)) return
  putEntry(turn, { ...entry, liveness: { state: 'up' } })
  emit(turn, { type: 'notify', change: { type: 'member.up', peer: from } })
}

/** Refuses frames before Hello and floods. True: go on with the frame. */
export function frameAllowed(turn: Turn, from: PeerId, isHello: boolean): boolean {
  const link = turn.state.links.get(from)
  if (link === undefined) return false
  const fresh = turn.at.nowMs - link.windowMs >= FRAME_WINDOW_MS
  const counted: LinkState = {
    ...link,
    windowMs: fresh ? turn.at.nowMs : link.windowMs,
    frames: fresh ? 1 : link.frames + 1
  }
  putLink(turn, from, counted)
  if (counted.frames > FRAMES_PER_WINDOW_MAX) {
    emit(turn, { type: 'count.sync', what: 'throttled' })
    return false
  }
  if (isHello || link.helloReceived) return true
  blame(turn, from, 'a frame came before Hello')
  return false
}

/** Suspects whose time is up die; links that never said Hello are closed. */
export function sweep(turn: Turn): void {
  const { timing } = turn.state.config
  patch(turn, { sweepMs: undefined })
  for (const entry of turn.state.table.values()) {
    if (entry.liveness.state !== 'suspect') continue
    const dueMs = entry.liveness.sinceMs + timing.suspectMs
    if (dueMs > turn.at.nowMs) scheduleSweep(turn, dueMs)
    else declareDead(turn, entry)
  }
  for (const [peer, link] of turn.state.links) {
    if (link.helloReceived) continue
    const dueMs = link.upMs + timing.helloMs
    if (dueMs > turn.at.nowMs) scheduleSweep(turn, dueMs)
    else emit(turn, { type: 'drop', peer, banMs: 0, reason: 'no Hello came over the link' })
  }
}

export function scheduleSweep(turn: Turn, dueMs: number): void {
  const { sweepMs } = turn.state
  if (sweepMs !== undefined && sweepMs <= dueMs) return
  patch(turn, { sweepMs: dueMs })
  emit(turn, { type: 'arm', timer: 'sweep', delayMs: Math.max(0, dueMs - turn.at.nowMs) })
}

function memberCount({ state }: Turn): number {
  let count = 0
  for (const entry of state.table.values()) if (counts(entry, state.epoch)) count++
  return count
}

function declareDead(turn: Turn, entry: Entry): void {
  putEntry(turn, { ...entry, liveness: { state: 'dead', cause: 'link' } })
  emit(turn, { type: 'notify', change: { type: 'member.dead', peer: entry.peer, cause: 'link' } })
}

/** The record of a Hello, if the peer belongs here at all; else the link is closed. */
function openHello(turn: Turn, from: PeerId, hello: Hello): SignedRecord | undefined {
  try {
    const record = decodeRecord(hello.record)
    checkNetwork(record, turn.state.config.networkId)
    if (record.body.peer === from) return record
    blame(turn, from, 'a Hello with the record of another peer')
  } catch (error) {
    const wrongNet = error instanceof RecordError && error.code === 'BRUME_MEMBERSHIP_WRONG_NET'
    if (!wrongNet) blame(turn, from, 'a Hello whose record does not decode')
    else {
      emit(turn, { type: 'count.record', outcome: 'wrong-net' })
      emit(turn, { type: 'drop', peer: from, banMs: WRONG_NET_BAN_MS, reason: error.message })
      // What it has sent behind its Hello comes yet: a neighbour that belongs elsewhere broke nothing.
      linkDown(turn, from)
    }
  }
  return undefined
}

function measureClock(turn: Turn, peer: PeerId, hello: Hello): void {
  const offsetMs = hello.fogTimeMs - turn.at.wallMs
  // Further apart, and each refuses the other's records.
  const split = Math.abs(epochAt(hello.fogTimeMs, turn.state.config.epochMs) - turn.state.epoch) > 1
  emit(turn, { type: 'clock.offset', peer, offsetMs, split })
}

/** On joining with the first contacts; later when a new link shows another table, as after a partition. */
function maybeSync(turn: Turn, from: PeerId, hello: Hello): void {
  const { state, at } = turn
  if (equalRoots(turn, hello)) return becomeReady(turn)
  const joining = state.joinSyncs < JOIN_SYNCS
  const gapOver = at.nowMs - (state.helloSyncMs ?? Number.NEGATIVE_INFINITY) >= state.config.timing.helloSyncGapMs
  if (!joining && !gapOver) return
  patch(turn, { joinSyncs: state.joinSyncs + 1, helloSyncMs: at.nowMs })
  startSync(turn, from)
}

function equalRoots({ state }: Turn, hello: Hello): boolean {
  return Buffer.compare(indexOf(state.table, state.epoch).root, hello.root) === 0
}

/** The first table has been compared, or there is nobody to compare with. */
export function becomeReady(turn: Turn): void {
  if (turn.state.phase !== 'syncing') return
  patch(turn, { phase: 'ready' })
  emit(turn, { type: 'ready' })
}
