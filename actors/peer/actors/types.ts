import type { Cancel, PeerId } from '@brume/ports'
import type {
  Allow,
  CellStatus,
  CellView,
  Down,
  Durability,
  EffectRun,
  HistoryEntry,
  Mailbox,
  Migrating,
  Mode,
  Refusal,
  Supervise
} from '@brume/runtime/kernel'
import type { Json } from '@brume/runtime/replica'
import type { EventSchema, StandardSchema } from '@brume/runtime/schema'
import type {
  AnyStateMachine,
  ContextFrom,
  EmittedFrom,
  EventFromLogic,
  InputFrom,
  OutputFrom,
  StateValueFrom,
  TagsFrom
} from 'xstate'

/** What an actor runs, as a type: `typeof machine`. */
export type Machine = AnyStateMachine

/** What others may send it; XState's own events are not among them. */
export type EventOf<M extends Machine> = EventFromLogic<M>

type ReplyType = 'brume.reply'

/** What it emits, without declared replies. */
export type EmittedOf<M extends Machine> = Exclude<EmittedFrom<M>, { readonly type: ReplyType }>

/**
 * Declares what asks are answered with, among the types of a machine:
 * `types: {} as { events: ..., emitted: Replies<number, 'add'> | Replies<string, 'name'> }`. Nothing checks it at runtime.
 */
export interface Replies<V, T extends string = string> {
  readonly type: ReplyType
  readonly to: T
  readonly value: V
}

/** What an ask by an event of type `T` resolves with: as declared by `Replies`, else any plain value. */
export type Reply<M extends Machine, T extends string = string> =
  Extract<EmittedFrom<M>, { readonly type: ReplyType }> extends infer R
    ? [R] extends [never]
      ? Json
      : R extends Replies<infer V, infer To>
        ? T extends To
          ? V
          : never
        : never
    : never

export interface RegisterOptions<M extends Machine = Machine> {
  /** 1 to 64 characters as in an address; with `version` it names the logic on this peer. */
  readonly name: string
  /** Counts from 1; a stored actor of an earlier one is migrated. */
  readonly version: number
  /** What events must look like. Its output is what the machine gets. */
  readonly schema?: EventSchema
  readonly input?: StandardSchema
  /** `migrate[v]` takes a stored actor from version v to v + 1. */
  readonly migrate?: Readonly<Record<number, (stored: Migrating) => Migrating>>
  /**
   * `never`: stored actors of earlier versions stay what they are, if those are registered too; new ones are of this.
   * Default `activation`: they are migrated when they come into memory.
   */
  readonly upgrade?: 'activation' | 'never'
  /** Supervision of children, by their `src`. */
  readonly children?: Readonly<Record<string, Supervise>>
  /** Custom actions by type: run at least once, with the effect's id as idempotency key. */
  readonly effects?: Readonly<Record<string, (run: EffectRun) => Promise<Json> | Json>>
  /**
   * Payloads by event type, with which the machine is tried before it is replicated; given, it is tried at once. Only for
   * a machine registered by its URL.
   */
  readonly samples?: Samples<M>
  /** What it is tried with, where it needs an input. */
  readonly sampleInput?: InputFrom<M>
  /**
   * For whom this peer takes part in groups that replicate it, and keeps copies of its actors: `any` (default), `none` but
   * itself, or these peers.
   */
  readonly hosts?: 'any' | 'none' | readonly PeerId[]
}

/** For each type of event payloads without their `type`. */
export type Samples<M extends Machine> = {
  readonly [T in EventOf<M>['type']]?: readonly Omit<Extract<EventOf<M>, { type: T }>, 'type'>[]
}

/** A machine registered on this peer. */
export interface Logic<M extends Machine = Machine> {
  readonly name: string
  readonly version: number
  /** Hex of 32 bytes; of a machine that can be replicated the hash of its bundle. */
  readonly id: string
  /** Only for types. */
  readonly machine?: M
}

/** Who replicates an actor. */
export interface QuorumOptions {
  /** Peers that have registered the same logic, this one among them or not; 1 to 128. */
  readonly members: readonly PeerId[]
  /** Whose commands are taken. Default `open`: anybody's, subject to what the machine itself checks. */
  readonly admit?: 'open' | 'members' | readonly PeerId[]
  /** Who may freeze it for an upgrade. Default: this peer. */
  readonly admins?: readonly PeerId[]
  /** The network's delay bound as the group assumes it, ms. Default 250. */
  readonly deltaMs?: number
}

/** How a replicated actor goes on as another machine. */
export interface UpgradeOptions {
  /** Version of the machine that runs now, so that `migrate[from]` is the first function to take its state on. Default: one less. */
  readonly from?: number
  /** What is to be otherwise; members, admission, admins and pace stay as they are unless told. */
  readonly quorum?: Partial<QuorumOptions>
}

export interface SpawnOptions<M extends Machine = Machine> {
  /** Its path on this peer, `orders/17`; in mode `bft` one segment, the name in its address. */
  readonly id: string
  readonly input?: InputFrom<M>
  /** Where it lives. Default `solo`: here. */
  readonly mode?: Mode
  /** With mode `bft` those who replicate it, with `standby` those who decide who holds it. */
  readonly quorum?: QuorumOptions
  /** With mode `standby`: who has a copy besides this peer. How many of `quorum.members` (2), or which. */
  readonly followers?: number | readonly PeerId[]
  readonly durability?: Durability
  readonly mailbox?: Mailbox
  readonly supervise?: Supervise
  readonly passivateMs?: number
  readonly allow?: Allow
}

/** As for `spawn` in mode `solo`; a rule of `allow` cannot be sent. */
export type PlacedOptions<M extends Machine = Machine> = Omit<SpawnOptions<M>, 'mode' | 'quorum' | 'followers'>

/** An actor of this peer, for whoever lists them. */
export interface ActorView extends CellView {
  readonly mode: Exclude<Mode, 'bft'>
  /** With mode `standby`: is it held here, or followed? Of a followed one nothing runs, and `version` is 0. */
  readonly role?: 'holder' | 'follower'
  /** With mode `standby`: followers that have all that anybody was told. */
  readonly inSync?: number
}

/** How a snapshot is had: `local`, what one place believes; `final`, ordered after all before it; `certified`, proven. */
export type ReadLevel = 'local' | 'final' | 'certified'

/** An actor at one moment. */
export interface Snapshot<M extends Machine = Machine> {
  readonly address: string
  readonly incarnation: number
  /** Events processed by this incarnation; in mode `bft` the height. */
  readonly seq: number
  readonly cell: CellStatus
  /** What its last failure said, cut; told on the peer where it lives only. */
  readonly failure?: string
  readonly status: 'active' | 'done' | 'error' | 'stopped'
  readonly value: StateValueFrom<M>
  readonly context: ContextFrom<M>
  readonly tags: readonly TagsFrom<M>[]
  readonly output?: OutputFrom<M>
  readonly error?: unknown
}

/** With the bytes that prove it to anybody who knows the address: `verifyProof(proof, address)`. */
export interface CertifiedSnapshot<M extends Machine = Machine> extends Snapshot<M> {
  readonly proof: Uint8Array
}

/** When `waitFor` is content: a tag, a state value or part of one, the end, or a predicate, which runs here. */
export type Until<M extends Machine> = 'done' | TagsFrom<M> | StateValueFrom<M> | ((snapshot: Snapshot<M>) => boolean)

export interface SubmitOptions {
  /** 16 bytes, kept over retries: repeated, the event is processed once. Default random. */
  readonly key?: Uint8Array
  readonly ttlMs?: number
  readonly signal?: AbortSignal
}

export interface AskOptions {
  readonly key?: Uint8Array
  /** Default 5,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** An actor by its address, wherever it lives. Methods that wait reject with `RuntimeError`. */
export interface Ref<M extends Machine = Machine> {
  readonly address: string
  /** At once; what becomes of it is not told, but in dead letters. */
  tell(event: EventOf<M>, options?: { readonly ttlMs?: number }): 'accepted' | Refusal
  /** Resolves when the event is processed and durable; in mode `bft` when its block is final, `seq` being the height. */
  submit(event: EventOf<M>, options?: SubmitOptions): Promise<{ readonly seq: number }>
  /** Resolves with what the machine replied; in mode `bft` attested by more members than may lie. */
  ask<E extends EventOf<M>>(event: E, options?: AskOptions): Promise<Reply<M, E['type']>>
  waitFor(until: Until<M>, options?: { readonly timeoutMs?: number }): Promise<Snapshot<M>>
  snapshot(options: { readonly read: 'certified' }): Promise<CertifiedSnapshot<M>>
  snapshot(options?: { readonly read?: ReadLevel }): Promise<Snapshot<M>>
  /** Every change of its state from now on. */
  follow(changed: (snapshot: Snapshot<M>) => void): Cancel
  /** Told once that this incarnation is no more. */
  watch(down: (down: Down) => void): Cancel
  /** Emitted events of this type, `*` for all. */
  on<T extends EmittedOf<M>['type'] | '*'>(type: T, emitted: (event: OfType<EmittedOf<M>, T>) => void): Cancel
  /** Proof of the newest state, of at least this height. Only in mode `bft`. */
  proof(height?: number): Promise<Uint8Array>
  /** Processed events from this number on; of durability `journal`. */
  history(options?: { readonly from?: number }): AsyncIterable<HistoryEntry>
  /** As it was after this many events; of durability `journal`. */
  snapshotAt(seq: number): Promise<Snapshot<M>>
  /** Of another peer's actor: for that peer's admins. */
  stop(reason?: string): Promise<void>
  /**
   * Takes an actor of mode `solo` to another peer, which has the same logic registered and the peer where it lives now among
   * its admins. Its address there is that of the ref it resolves with; this one leads there for 7 days. Where it fails
   * the actor lives on as before. One of mode `standby` goes to a follower in step and keeps its address; only its holder does that.
   *
   * @throws RuntimeError MOVE, KIND, PATH_TAKEN, FORBIDDEN, UNREACHABLE
   */
  move(peer: PeerId): Promise<Ref<M>>
}

type OfType<E extends { readonly type: string }, T extends string> = T extends '*' ? E : Extract<E, { type: T }>
