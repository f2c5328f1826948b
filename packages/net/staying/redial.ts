import type { PeerId, Wanted } from '@brume/ports'

/** What is known of one peer the loop may dial. Times are monotonic milliseconds. */
interface RedialEntry {
  readonly priority: Wanted['priority']
  readonly phase: 'waiting' | 'dialing' | 'connected'
  /** Failures and short connections since the last one that held. */
  readonly failures: number
  /** Waiting: not dialled before this. */
  readonly nextMs: number
  /** Connected: since when. Else: when it was last connected, or first heard of. */
  readonly sinceMs: number
}

export interface RedialState {
  readonly peers: ReadonlyMap<PeerId, RedialEntry>
}

/** Fixed for a node. */
export interface RedialRules {
  /** Has this node the lower peer id of the two? The lower one dials at once (libp2p.md 5). */
  readonly dialsFirst: (peer: PeerId) => boolean
  readonly capMs: number
  readonly capOthersMs: number
}

/** `jitter` is uniform in [0, 1). */
export type RedialEvent =
  | { readonly type: 'wanted'; readonly peers: readonly Pick<Wanted, 'peer' | 'priority'>[] }
  | { readonly type: 'discovered'; readonly peer: PeerId }
  | { readonly type: 'connected'; readonly peer: PeerId }
  | { readonly type: 'disconnected'; readonly peer: PeerId; readonly jitter: number }
  | { readonly type: 'failed'; readonly peer: PeerId; readonly jitter: number }
  /** Not before `untilMs`: banned, or dropped for being slow. */
  | { readonly type: 'held'; readonly peer: PeerId; readonly untilMs: number }
  /** Not wanted by its discoverer any more: a discovered peer goes, a wanted one stays. */
  | { readonly type: 'forgotten'; readonly peer: PeerId }
  /** The network or the machine changed (interfaces, sleep): all delays start over. */
  | { readonly type: 'disturbed' }
  | { readonly type: 'tick' }

export interface RedialStep {
  readonly state: RedialState
  readonly dials: readonly PeerId[]
}

const REDIAL_FIRST_MS = 1_000
const REDIAL_JITTER = 0.25
/** The higher id leaves this much to the lower before it dials itself. */
export const SECOND_DIALLER_WAIT_MS = 1_500
/** A connection that held this long clears the failures before it. */
const STABLE_MS = 30_000
export const DIALS_AT_ONCE_MAX = 8
/** A discovered peer that was not reached for a day is forgotten; wanted ones never are. */
export const FORGET_AFTER_MS = 86_400_000
/** Enough for a full LAN; beyond, the longest unreachable go. */
export const DISCOVERED_MAX = 256

export const EMPTY_REDIAL: RedialState = { peers: new Map() }

/** Whom to dial now. Pure: the caller reports what came of each dial as `connected` or `failed`. */
export function redial(state: RedialState, event: RedialEvent, nowMs: number, rules: RedialRules): RedialStep {
  const peers = new Map(state.peers)
  apply(peers, event, nowMs, rules)
  return { state: { peers }, dials: due(peers, nowMs) }
}

/** When the next dial falls due; undefined when nobody waits. */
export function nextDialMs({ peers }: RedialState): number | undefined {
  let next: number | undefined
  for (const { phase, nextMs } of peers.values()) {
    if (phase === 'waiting' && (next === undefined || nextMs < next)) next = nextMs
  }
  return next
}

type Peers = Map<PeerId, RedialEntry>

function apply(peers: Peers, event: RedialEvent, nowMs: number, rules: RedialRules): void {
  switch (event.type) {
    case 'wanted':
      replaceWanted(peers, event.peers, nowMs, rules)
      return
    case 'discovered':
      discover(peers, event.peer, nowMs, rules)
      return
    case 'connected':
      connect(peers, event.peer, nowMs)
      return
    case 'disconnected':
      disconnect(peers, event.peer, event.jitter, nowMs, rules)
      return
    case 'failed':
      fail(peers, event.peer, event.jitter, nowMs, rules)
      return
    case 'held':
      change(peers, event.peer, (entry) => ({ ...entry, nextMs: Math.max(entry.nextMs, event.untilMs) }))
      return
    case 'forgotten':
      if (peers.get(event.peer)?.priority === 'discovered') peers.delete(event.peer)
      return
    case 'disturbed':
      for (const peer of peers.keys()) change(peers, peer, (entry) => restart(entry, peer, nowMs, rules))
      return
    case 'tick':
      forgetOld(peers, nowMs)
  }
}

function replaceWanted(
  peers: Peers,
  wanted: readonly Pick<Wanted, 'peer' | 'priority'>[],
  nowMs: number,
  rules: RedialRules
): void {
  const priorities = new Map(wanted.map(({ peer, priority }) => [peer, priority]))
  for (const [peer, entry] of peers) {
    const priority = priorities.get(peer)
    if (priority !== undefined) peers.set(peer, { ...entry, priority })
    else if (entry.priority !== 'discovered') demote(peers, peer, entry)
  }
  for (const [peer, priority] of priorities) {
    if (!peers.has(peer)) peers.set(peer, fresh(peer, priority, nowMs, rules))
  }
}

/** Nobody wants it now: it goes, or while it is connected counts as a discovered one. */
function demote(peers: Peers, peer: PeerId, entry: RedialEntry): void {
  if (entry.phase === 'waiting') peers.delete(peer)
  else peers.set(peer, { ...entry, priority: 'discovered' })
}

function discover(peers: Peers, peer: PeerId, nowMs: number, rules: RedialRules): void {
  const entry = peers.get(peer)
  if (entry === undefined) {
    makeRoom(peers)
    peers.set(peer, fresh(peer, 'discovered', nowMs, rules))
  }
}

/** The discovered peer that has been out of reach for longest makes room. */
function makeRoom(peers: Peers): void {
  let count = 0
  let oldest: { peer: PeerId; sinceMs: number } | undefined
  for (const [peer, { priority, phase, sinceMs }] of peers) {
    if (priority !== 'discovered') continue
    count += 1
    if (phase === 'waiting' && (oldest === undefined || sinceMs < oldest.sinceMs)) oldest = { peer, sinceMs }
  }
  if (count >= DISCOVERED_MAX && oldest !== undefined) peers.delete(oldest.peer)
}

function connect(peers: Peers, peer: PeerId, nowMs: number): void {
  const entry = peers.get(peer)
  if (entry === undefined || entry.phase === 'connected') return
  peers.set(peer, { ...entry, phase: 'connected', sinceMs: nowMs })
}

function disconnect(peers: Peers, peer: PeerId, jitter: number, nowMs: number, rules: RedialRules): void {
  change(peers, peer, (entry) => {
    if (entry.phase !== 'connected') return entry
    const held = nowMs - entry.sinceMs >= STABLE_MS
    return later({ ...entry, failures: held ? 0 : entry.failures, sinceMs: nowMs }, peer, jitter, nowMs, rules)
  })
}

function fail(peers: Peers, peer: PeerId, jitter: number, nowMs: number, rules: RedialRules): void {
  change(peers, peer, (entry) => (entry.phase === 'dialing' ? later(entry, peer, jitter, nowMs, rules) : entry))
}

function later(entry: RedialEntry, peer: PeerId, jitter: number, nowMs: number, rules: RedialRules): RedialEntry {
  const capMs = entry.priority === 'discovered' ? rules.capOthersMs : rules.capMs
  const delayMs = Math.min(capMs, REDIAL_FIRST_MS * 2 ** entry.failures) * (1 + REDIAL_JITTER * (2 * jitter - 1))
  const waitMs = rules.dialsFirst(peer) ? 0 : SECOND_DIALLER_WAIT_MS
  // An entry may carry a hold that outlasts the delay.
  const nextMs = Math.max(entry.nextMs, nowMs + delayMs + waitMs)
  return { ...entry, phase: 'waiting', failures: Math.min(entry.failures + 1, 30), nextMs }
}

function restart(entry: RedialEntry, peer: PeerId, nowMs: number, rules: RedialRules): RedialEntry {
  if (entry.phase !== 'waiting') return entry
  return { ...entry, failures: 0, nextMs: Math.min(entry.nextMs, firstMs(peer, nowMs, rules)) }
}

function fresh(peer: PeerId, priority: Wanted['priority'], nowMs: number, rules: RedialRules): RedialEntry {
  return { priority, phase: 'waiting', failures: 0, nextMs: firstMs(peer, nowMs, rules), sinceMs: nowMs }
}

function firstMs(peer: PeerId, nowMs: number, rules: RedialRules): number {
  return nowMs + (rules.dialsFirst(peer) ? 0 : SECOND_DIALLER_WAIT_MS)
}

function forgetOld(peers: Peers, nowMs: number): void {
  for (const [peer, { priority, phase, sinceMs }] of peers) {
    if (priority === 'discovered' && phase === 'waiting' && nowMs - sinceMs > FORGET_AFTER_MS) peers.delete(peer)
  }
}

function change(peers: Peers, peer: PeerId, by: (entry: RedialEntry) => RedialEntry): void {
  const entry = peers.get(peer)
  if (entry !== undefined) peers.set(peer, by(entry))
}

const RANK: Record<Wanted['priority'], number> = { committee: 0, member: 1, bootstrap: 2, discovered: 3 }

/** Takes what is due, most wanted first, up to the number of dials at once. Marks them as dialling. */
function due(peers: Peers, nowMs: number): PeerId[] {
  let free = DIALS_AT_ONCE_MAX
  const ready: [PeerId, RedialEntry][] = []
  for (const [peer, entry] of peers) {
    if (entry.phase === 'dialing') free -= 1
    else if (entry.phase === 'waiting' && entry.nextMs <= nowMs) ready.push([peer, entry])
  }
  ready.sort(([, a], [, b]) => RANK[a.priority] - RANK[b.priority] || a.nextMs - b.nextMs)
  const dials = ready.slice(0, Math.max(0, free))
  for (const [peer, entry] of dials) peers.set(peer, { ...entry, phase: 'dialing' })
  return dials.map(([peer]) => peer)
}
