import type { PeerId, Wanted } from '@brume/ports'
import type { MembershipMessage } from '@brume/protocols/membership'

export type TimerName = 'sync' | 'publish' | 'epoch' | 'heartbeat' | 'sweep' | 'settle'

/** Two signed records of one peer that contradict each other: reputation's proof of a lie. */
export interface Warrant {
  readonly kind: 'same-seq' | 'second-salt' | 'identity-changed'
  readonly peer: PeerId
  readonly first: Uint8Array
  readonly second: Uint8Array
}

/** What became of a received record; the label of a counter. */
export type RecordOutcome =
  | 'accepted'
  | 'duplicate'
  | 'old'
  | 'epoch'
  | 'rate'
  | 'introducer'
  | 'not-admitted'
  | 'contradiction'
  | 'own'
  | 'malformed'
  | 'wrong-net'
  | 'bad-signature'

export type DeathCause = 'link' | 'left' | 'expired'

export type MemberChange =
  | { readonly type: 'member.up'; readonly peer: PeerId }
  | { readonly type: 'member.changed'; readonly peer: PeerId }
  | { readonly type: 'member.suspect'; readonly peer: PeerId }
  | { readonly type: 'member.dead'; readonly peer: PeerId; readonly cause: DeathCause }
  | { readonly type: 'member.forgotten'; readonly peer: PeerId }

/** What a step asks of the world. Executed in order, after the step. */
export type Effect =
  | { readonly type: 'send'; readonly peer: PeerId; readonly message: MembershipMessage }
  | { readonly type: 'publish'; readonly record: Uint8Array; readonly flood: boolean }
  | { readonly type: 'want'; readonly peers: readonly Wanted[] }
  | { readonly type: 'connect'; readonly peers: readonly PeerId[] }
  | { readonly type: 'drop'; readonly peer: PeerId; readonly banMs: number; readonly reason: string }
  | { readonly type: 'journal'; readonly seq: number; readonly kind: number; readonly payload: Uint8Array }
  | { readonly type: 'arm'; readonly timer: TimerName; readonly delayMs: number }
  | { readonly type: 'save'; readonly peer: PeerId }
  | { readonly type: 'forget'; readonly peer: PeerId }
  | { readonly type: 'notify'; readonly change: MemberChange }
  | { readonly type: 'warrant'; readonly warrant: Warrant }
  | { readonly type: 'malformed'; readonly peer: PeerId; readonly reason: string }
  | { readonly type: 'count.record'; readonly outcome: RecordOutcome }
  | { readonly type: 'count.sync'; readonly what: 'rounds' | 'records' | 'throttled' }
  | { readonly type: 'clock.offset'; readonly peer: PeerId; readonly offsetMs: number; readonly split: boolean }
  | { readonly type: 'ready' }
  | { readonly type: 'left' }
  | { readonly type: 'halt'; readonly reason: 'cloned' | 'journal'; readonly detail: string }
