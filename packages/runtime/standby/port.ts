import type { Clock, Log, PeerId, Store } from '@brume/ports'
import type { Kernel } from '../kernel/port.ts'

/**
 * One actor of mode `standby`: who holds it, as its placement group has ordered it. Every change is a compare-and-set on
 * (epoch, version).
 */
export interface Placement {
  /** Of the holder: rises with each holder, and with each restart of one. From 1 on. */
  readonly epoch: number
  /** Rises with each change. From 1 on. */
  readonly version: number
  readonly holder: PeerId
  /** Followers that have all that anybody was told; without the holder. */
  readonly inSync: readonly PeerId[]
  /** All who are to have it, in step or not; the holder is one of them. */
  readonly copies: readonly PeerId[]
  /** Followers in step without which nothing is taken from outside, and below which none is dropped. */
  readonly minInSync: number
  /** Name of the kind that every copy must have registered. */
  readonly kind: string
  /** Was a follower ever in step? Before that nothing is taken from outside, where `minInSync` is above 0. */
  readonly begun: boolean
}

/** What is sent to the placement machine; who sends it is told by the signature. `path`: of the actor in its group. */
export type PlacementEvent =
  /** The sender becomes holder of what nobody holds. */
  | {
      readonly type: 'place'
      readonly path: string
      readonly kind: string
      readonly copies: readonly PeerId[]
      readonly minInSync: number
    }
  /** The sender, in step or the holder itself after a restart, becomes holder. */
  | ({ readonly type: 'take' } & Compared)
  /** The holder goes on without this follower. */
  | ({ readonly type: 'drop'; readonly peer: PeerId } & Compared)
  /** The holder has seen this follower catch up. */
  | ({ readonly type: 'join'; readonly peer: PeerId } & Compared)
  /** The holder gives it to a follower in step; `stays`: and follows, in step, itself. */
  | ({ readonly type: 'hand'; readonly to: PeerId; readonly stays: boolean } & Compared)
  /** The actor is no more. */
  | ({ readonly type: 'remove' } & Compared)

export interface Compared {
  readonly path: string
  readonly epoch: number
  readonly version: number
}

/** Why nothing was changed. */
export type PlacementRefusal = 'behind' | 'forbidden' | 'taken' | 'full' | 'few' | 'invalid'

/** What the machine replies: how it is placed now, changed or not. */
export interface PlacementReply {
  readonly refused: PlacementRefusal | null
  readonly placement: Placement | null
}

/** From a holder: what it has committed. One is under way to each follower at a time. */
export interface Ship {
  readonly type: 'ship'
  /** 16 bytes: `actorId` of the address. */
  readonly id: Uint8Array
  readonly epoch: number
  /** Number of the first entry, from 1 on. */
  readonly fromSeq: number
  /** 32 bytes: of the log before the first entry; zeros where there is none. */
  readonly prevHash: Uint8Array
  readonly entries: readonly Uint8Array[]
  /**
   * A piece of everything there is before `fromSeq`, for who cannot go on from what it has; comes without entries, and
   * `prevHash` is then of the piece before it, chained as entries are from the log's.
   */
  readonly record: Uint8Array | null
}

/** From a follower, to each Ship: how far it is. Batches that have come whole are on disk. */
export interface ShipAck {
  readonly type: 'shipAck'
  readonly id: Uint8Array
  readonly epoch: number
  readonly seq: number
  readonly hash: Uint8Array
}

/** Of a peer that holds something to one that follows it; the answer has its number. */
export interface Beacon {
  readonly type: 'beacon' | 'beaconAck'
  readonly n: number
}

export type StandbyFrame = Ship | ShipAck | Beacon

/** Where a copy is in the log. */
export interface Position {
  /** Under which it was written. */
  readonly epoch: number
  readonly seq: number
  readonly hash: Uint8Array
}

/** What happens to a peer's copies, held and followed. `address`: of the root actor, without incarnation. */
export type StandbyInput =
  /** Some time passed; at least every 250 ms. */
  | { readonly type: 'tick' }
  | { readonly type: 'frame'; readonly from: PeerId; readonly frame: StandbyFrame }
  /** There is a new stream to it. */
  | { readonly type: 'linked'; readonly peer: PeerId }
  /** At the start, before anything else of this actor: its copy on this disk. */
  | { readonly type: 'found'; readonly address: string; readonly position: Position }
  /** Everything that was to be found has been; there may be actors of this group, named by its authority. */
  | { readonly type: 'started'; readonly authorities: readonly string[] }
  /** What a look came to: all actors of the group that have a copy here, by address; null: the group was not reached. */
  | {
      readonly type: 'told'
      readonly authority: string
      readonly look: number
      readonly placements: ReadonlyMap<string, Placement> | null
    }
  /** What an order came to; `reply` null: nobody knows whether it takes effect. */
  | {
      readonly type: 'answered'
      readonly address: string
      readonly order: number
      readonly reply: PlacementReply | null
    }
  /** Held here: the kernel commits a batch, given as `encodeBatch` has it. */
  | { readonly type: 'batch'; readonly address: string; readonly batch: Uint8Array }
  /** What `write` asked for is on disk. */
  | { readonly type: 'written'; readonly address: string; readonly write: number }
  /** What `read` asked for: all there is at this position, as one batch. */
  | { readonly type: 'base'; readonly address: string; readonly position: Position; readonly base: Uint8Array }
  /** Someone here wants to hold an actor that nobody holds. */
  | {
      readonly type: 'place'
      readonly address: string
      readonly kind: string
      readonly copies: readonly PeerId[]
      readonly minInSync: number
    }
  /** Held here: someone wants it to go to this follower; null: to any that is in step. Without one, nothing happens. */
  | { readonly type: 'hand'; readonly address: string; readonly to: PeerId | null; readonly stays: boolean }
  /** Held here: the actor is to be no more. */
  | { readonly type: 'remove'; readonly address: string }
  /** Nobody waits any more for what was wanted of it. An order that left may still take effect. */
  | { readonly type: 'unwanted'; readonly address: string }
  /** `lead` failed: its kind is not registered, or its state cannot be read. */
  | { readonly type: 'unfit'; readonly address: string }

/** What someone here wants, and waits for. */
export type Wish = StandbyInput & { readonly type: 'place' | 'hand' | 'remove' }

export type StandbyOutput =
  /** Lost where there is no stream. */
  | { readonly type: 'send'; readonly to: PeerId; readonly frame: StandbyFrame }
  /** Answered once, by `answered` with its number. */
  | { readonly type: 'order'; readonly address: string; readonly order: number; readonly event: PlacementEvent }
  /** Answered once, by `told` with its number. */
  | { readonly type: 'look'; readonly authority: string; readonly look: number }
  /** In order, for each address. */
  | { readonly type: 'write'; readonly address: string; readonly write: number; readonly change: Change }
  /** Answered by `base`, as it is when all `write`s before are done. */
  | { readonly type: 'read'; readonly address: string }
  /** This peer holds it now: its kernel is started over its copy. */
  | { readonly type: 'lead'; readonly address: string; readonly placement: Placement }
  /** It does no more: its kernel ends at once, and nothing leaves it that has not. */
  | { readonly type: 'cease'; readonly address: string; readonly placement: Placement | null }
  /** The first so many batches of this hold may be acted on. */
  | { readonly type: 'release'; readonly address: string; readonly batches: number }
  /** What someone here wanted does not happen. */
  | {
      readonly type: 'refused'
      readonly address: string
      readonly what: 'place' | 'hand' | 'remove'
      readonly refusal: PlacementRefusal
    }
  /** The copy is of no use any more. */
  | { readonly type: 'discard'; readonly address: string }

/** What is written to a copy, with its position, all or nothing. */
export interface Change {
  /** `base`: in place of all that is there. */
  readonly kind: 'batch' | 'base'
  /** As `encodeBatch` has it. */
  readonly batch: Uint8Array
  readonly position: Position
}

/** A held actor, for whoever shows or counts them. */
export interface HeldView {
  readonly address: string
  readonly placement: Placement
  /** Does it take events from outside? */
  readonly takes: boolean
  /** May a `final` read be answered? */
  readonly mayRead: boolean
}

/** What one peer does to hold and follow actors: deterministic, and without a network, a disk or a clock. */
export interface Shipping {
  /** @param nowMs - of a clock that also counts the time in which the machine sleeps */
  on(input: StandbyInput, nowMs: number): readonly StandbyOutput[]
  /** False: its events from outside are refused `overload`. */
  takes(address: string, nowMs: number): boolean
  /** Nobody else can hold it now; to be asked when the answer to a `final` read is there. */
  mayRead(address: string, nowMs: number): boolean
  held(nowMs: number): readonly HeldView[]
}

/** The placement groups, as one peer reaches them. */
export interface Placements {
  /** Signed by this peer. Resolves with the answer that the group has proven; rejects where that may still come. */
  order(authority: string, event: PlacementEvent): Promise<PlacementReply>
  /** By path: all actors of that group, or those that have a copy here; as a quorum has it. Rejects where it is not reached. */
  look(authority: string): Promise<ReadonlyMap<string, Placement>>
}

/**
 * An actor that is held here. It gets a kernel of its own, for itself and its children, so that what the kernel commits
 * together is what is shipped together. Stored actors keep their incarnation over a takeover, and boots are counted in
 * the copied store: to others the next holder is the same actor after a restart, whose repetitions they recognize.
 */
export interface Held {
  readonly address: string
  /** `group/<id>`: the kernel's `self`. */
  readonly authority: string
  readonly path: string
  readonly placement: Placement
  /** Of this actor alone: to be given to the kernel as it is. What is committed here has been shipped. */
  readonly store: Store
  /** To be given to the kernel as `takes`. */
  readonly takes: () => boolean
}

/** What the peer gives and is told. */
export interface StandbyHost {
  send(to: PeerId, frame: StandbyFrame): void
  /** The actor is here now: a kernel with its kind registered, started. It is reached at its address from now on. */
  lead(held: Held): Promise<Kernel>
  /** It is not here any more; its kernel has been stopped. `to`: where it is, as far as is known. */
  ceased(address: string, to: PeerId | null): void
}

export interface StandbyOptions {
  readonly self: PeerId
  /** A part of the peer's store that nobody else uses. */
  readonly store: Store
  readonly clock: Clock
  /** Milliseconds of a clock that also counts the time in which the machine sleeps. */
  readonly uptimeMs: () => number
  readonly log: Log
  readonly placements: Placements
  readonly host: StandbyHost
  /** A write failed: the peer must end, exit code 74. */
  readonly onFatal: (error: Error) => void
}

/** All actors of mode `standby` that this peer holds or follows. */
export interface Standby {
  /** Takes up what is on this disk. `authorities`: placement groups that may name this peer for a copy. */
  start(authorities: readonly string[]): Promise<void>
  /** This peer is a member of one more placement group. */
  joined(authority: string): void
  receive(from: PeerId, frame: StandbyFrame): void
  /** There is a new stream to it. */
  linked(peer: PeerId): void
  /**
   * Becomes the holder of an actor that nobody holds. Resolves once its kernel runs; the caller spawns its root there.
   * It takes events as soon as `minInSync` followers are in step. @throws StandbyError
   */
  place(address: string, kind: string, copies: readonly PeerId[], minInSync: number): Promise<Kernel>
  /** Gives it to a follower in step and follows itself; resolves once the other one is the holder. @throws StandbyError */
  hand(address: string, to: PeerId): Promise<void>
  /** It is stopped for good, and copies go. @throws StandbyError */
  remove(address: string): Promise<void>
  /** May what a `final` read found be told? To be asked when it is there. */
  mayRead(address: string): boolean
  /** Of an actor that is held here. */
  kernel(address: string): Kernel | undefined
  held(): readonly HeldView[]
  /** Hands over what can be, and ends kernels. Nothing is sent any more. */
  stop(): Promise<void>
}
