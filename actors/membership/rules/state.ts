import type { PeerId, Verdict, Wanted } from '@brume/ports'
import type {
  HostFields,
  OperatorCertificate,
  Place,
  RecordBody,
  Sign,
  SignedRecord,
  StateFields,
  Verify,
  WorkFields
} from '@brume/protocols/membership'
import type { Effect } from '../effect.ts'
import type { Instant } from '../event.ts'
import type { Timing } from '../limits.ts'
import { forgetIndex } from './digest.ts'
import { draw, type Entropy, fraction } from './entropy.ts'
import type { Entry, Table } from './table.ts'

/** What stays the same while the actor runs. */
export interface Config {
  readonly self: PeerId
  readonly networkId: Uint8Array
  readonly vrfKey: Uint8Array
  readonly sign: Sign
  readonly verify: Verify
  readonly epochMs: number
  readonly timing: Timing
  readonly bootstrap: readonly Wanted[]
  readonly degree: RecordBody['degree']
  readonly place: Place
  readonly certificate: OperatorCertificate | null
  readonly host: HostFields
  readonly work: WorkFields
}

/** What the own record says beyond the configuration. */
export interface Local {
  readonly addresses: readonly string[]
  readonly state: StateFields
  readonly flags: number
  readonly clockQuality: 0 | 1 | 2
}

/** One's own record: a number is used only when the journal has it. */
export interface Own {
  /** Highest number ever journaled. */
  readonly seq: number
  readonly notBefore: number
  /** By epoch, journaled: a clock that goes back must not bring a second salt. */
  readonly salts: ReadonlyMap<number, Uint8Array | null>
  /** By seq, the first 16 B of the body's SHA-256 in hex. */
  readonly known: ReadonlyMap<number, string>
  readonly record: SignedRecord | undefined
  readonly pending: { readonly seq: number; readonly body: RecordBody } | undefined
  readonly inEpoch: { readonly epoch: number; readonly count: number }
  readonly publishedMs: number | undefined
  /** A change came while a record was being journaled. */
  readonly again: boolean
  /** The journal was lost: unknown records of one's own may be one's past, not a clone. */
  readonly recovering: boolean
}

export interface LinkState {
  readonly upMs: number
  readonly helloSent: boolean
  readonly helloReceived: boolean
  readonly windowMs: number
  readonly frames: number
}

export interface MembershipState {
  readonly config: Config
  readonly phase: 'syncing' | 'ready' | 'leaving' | 'halted'
  readonly entropy: Entropy
  readonly epoch: number
  readonly local: Local
  readonly own: Own
  readonly table: Table
  readonly links: ReadonlyMap<PeerId, LinkState>
  /** New identities by introducer, this epoch. */
  readonly introductions: ReadonlyMap<PeerId, number>
  /** Peers that other actors keep connected, by the name of the actor. */
  readonly pins: ReadonlyMap<string, readonly PeerId[]>
  readonly fullMesh: boolean
  /** The wanted set as last given to net, for comparison. */
  readonly wantedKey: string
  readonly joinSyncs: number
  readonly helloSyncMs: number | undefined
  readonly sweepMs: number | undefined
}

/** One step in the making: changed in place here, pure as seen from outside. */
export interface Turn {
  state: MembershipState
  readonly at: Instant
  readonly effects: Effect[]
  /** For the gossip validator. */
  verdict: Verdict | undefined
  /** The table's copy of this turn, made at the first write. */
  draft: Map<PeerId, Entry> | undefined
}

export function patch(turn: Turn, change: Partial<MembershipState>): void {
  turn.state = { ...turn.state, ...change }
}

export function patchOwn(turn: Turn, change: Partial<Own>): void {
  patch(turn, { own: { ...turn.state.own, ...change } })
}

export function emit(turn: Turn, effect: Effect): void {
  turn.effects.push(effect)
}

export function putEntry(turn: Turn, entry: Entry): void {
  draftOf(turn).set(entry.peer, entry)
}

export function removeEntry(turn: Turn, peer: PeerId): void {
  draftOf(turn).delete(peer)
}

function draftOf(turn: Turn): Map<PeerId, Entry> {
  if (turn.draft === undefined) {
    turn.draft = new Map(turn.state.table)
    patch(turn, { table: turn.draft })
  }
  forgetIndex(turn.draft)
  return turn.draft
}

export function putLink(turn: Turn, peer: PeerId, link: LinkState): void {
  patch(turn, { links: new Map(turn.state.links).set(peer, link) })
}

export function random32(turn: Turn): Uint8Array {
  const [bytes, entropy] = draw(turn.state.entropy)
  patch(turn, { entropy })
  return bytes
}

/** Uniform in [0, 1). */
export function dice(turn: Turn): number {
  return fraction(random32(turn))
}

/** `ms` +-20 %. */
export function jitter(turn: Turn, ms: number): number {
  return ms * (0.8 + 0.4 * dice(turn))
}
