import { toHex } from '@brume/codec'
import type { Link, PeerId } from '@brume/ports'
import { FLAG, type HostFields, isLeaving, operatorOf, type Place, type StateFields } from '@brume/protocols/membership'
import type { DeathCause } from './effect.ts'
import { indexOf } from './rules/digest.ts'
import type { MembershipState } from './rules/state.ts'
import { counts, type Entry } from './rules/table.ts'

/** A member as people and other actors see it. Everything under `host` and `place` is its own claim. */
export interface MemberView {
  readonly peer: PeerId
  readonly self: boolean
  readonly state: 'up' | 'suspect' | 'dead'
  readonly cause: DeathCause | undefined
  readonly connected: boolean
  /** Smoothed round trip of the link; undefined without one, or before its first echo. */
  readonly rttMs: number | undefined
  /** Does its record still count: fresh or stale, and not leaving? */
  readonly counted: boolean
  readonly host: HostFields
  readonly place: Place
  readonly operator: string
  readonly live: StateFields
  readonly addresses: readonly string[]
  readonly capabilities: readonly string[]
  readonly profiles: readonly number[]
  readonly roles: readonly string[]
  readonly seq: number
  readonly epoch: number
  readonly vrfKey: Uint8Array
  readonly firstSeenEpoch: number
  /** Wall milliseconds, by this peer's own clock. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
}

export function viewMembers(state: MembershipState, links: readonly Link[], wallMs: number): readonly MemberView[] {
  const byPeer = new Map(links.map((link) => [link.peer, link]))
  return [...state.table.values()].map((entry) => viewMember(state, entry, byPeer.get(entry.peer), wallMs))
}

function viewMember(state: MembershipState, entry: Entry, link: Link | undefined, wallMs: number): MemberView {
  const { body } = entry.record
  const self = entry.peer === state.config.self
  const heard = self || state.links.has(entry.peer)
  return {
    peer: entry.peer,
    self,
    state: entry.liveness.state,
    cause: entry.liveness.state === 'dead' ? entry.liveness.cause : undefined,
    connected: !self && link !== undefined,
    rttMs: link?.rttMs,
    counted: counts(entry, state.epoch),
    host: body.host,
    place: body.place,
    operator: operatorOf(body, state.epoch),
    live: body.state,
    addresses: isLeaving(body) ? [] : body.addresses,
    capabilities: body.work.capabilities,
    profiles: body.work.profiles,
    roles: rolesOf(body.flags),
    seq: body.seq,
    epoch: body.epoch,
    vrfKey: body.vrfKey,
    firstSeenEpoch: entry.firstSeenEpoch,
    firstSeenMs: entry.firstSeenMs,
    lastSeenMs: heard ? wallMs : entry.lastSeenMs
  }
}

function rolesOf(flags: number): readonly string[] {
  return Object.entries(FLAG)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name)
}

/** How membership itself is doing. */
export interface MembershipStatus {
  readonly phase: 'starting' | MembershipState['phase']
  readonly epoch: number
  readonly clockQuality: 0 | 1 | 2
  /** Members that count, this peer included. */
  readonly members: number
  readonly connected: number
  readonly ownSeq: number
  /** Equal at peers that know the same records, in hex. */
  readonly digestRoot: string
}

export function viewStatus(state: MembershipState | undefined, links: readonly Link[]): MembershipStatus {
  if (state === undefined) {
    return { phase: 'starting', epoch: 0, clockQuality: 0, members: 0, connected: 0, ownSeq: 0, digestRoot: '' }
  }
  return {
    phase: state.phase,
    epoch: state.epoch,
    clockQuality: state.local.clockQuality,
    members: [...state.table.values()].filter((entry) => counts(entry, state.epoch)).length,
    connected: links.filter((link) => state.table.has(link.peer)).length,
    ownSeq: state.own.record?.body.seq ?? 0,
    digestRoot: toHex(indexOf(state.table, state.epoch).root)
  }
}
