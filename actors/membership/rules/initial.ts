import type { PeerId } from '@brume/ports'
import { isLeaving, type SignedRecord } from '@brume/protocols/membership'
import type { Instant } from '../event.ts'
import { type OwnMark, ownPast, restoreOwn } from './own.ts'
import type { Config, Local, MembershipState } from './state.ts'
import { type Entry, epochAt, type Liveness, newEntry } from './table.ts'

/** A member as the store has it. */
export interface StoredMember {
  readonly record: SignedRecord
  readonly firstSeenEpoch: number
  readonly firstSeenMs: number
  readonly lastSeenMs: number
}

export interface Loaded {
  readonly members: readonly StoredMember[]
  readonly marks: readonly OwnMark[]
  /** The journal is known to have existed, and is gone or damaged. */
  readonly lost: boolean
  /** Epoch of the identity's birth, where its file tells. */
  readonly notBefore: number | undefined
  /** 32 fresh secret bytes. */
  readonly entropy: Uint8Array
}

/** The state before the first event. Stored members are suspects until they are heard of. */
export function initialState(config: Config, local: Local, loaded: Loaded, at: Instant): MembershipState {
  const { members, marks, lost, notBefore } = loaded
  const stored = members.find((member) => member.record.body.peer === config.self)
  const past = ownPast(marks, stored?.record)
  const epoch = startEpoch(epochAt(at.wallMs, config.epochMs), past.marks.at(-1)?.epoch)
  return {
    config,
    phase: 'syncing',
    entropy: { seed: loaded.entropy, draws: 0 },
    epoch,
    local,
    own: restoreOwn(past, { epoch, lost, notBefore }),
    table: new Map(
      members.map((member) => [member.record.body.peer, restoreEntry(member, config.self, loaded.entropy, at)])
    ),
    links: new Map(),
    introductions: new Map(),
    pins: new Map(),
    fullMesh: true,
    wantedKey: '',
    joinSyncs: 0,
    helloSyncMs: undefined,
    sweepMs: undefined
  }
}

/**
 * A clock set back by a little must not make the epoch fall. One that was far ahead for once must
 * not bind the peer to that future: nobody accepted those records.
 */
function startEpoch(wall: number, last: number | undefined): number {
  return last === wall + 1 ? last : wall
}

function restoreEntry(member: StoredMember, self: PeerId, secret: Uint8Array, at: Instant): Entry {
  const liveness = livenessOf(member, self, at)
  const { record, ...seen } = member
  return { ...newEntry({ record, secret, epoch: 0, wallMs: 0, introducers: [], liveness }), ...seen }
}

function livenessOf({ record }: StoredMember, self: PeerId, at: Instant): Liveness {
  if (record.body.peer === self) return { state: 'up' }
  return isLeaving(record.body) ? { state: 'dead', cause: 'left' } : { state: 'suspect', sinceMs: at.nowMs }
}
