import type { Cancel, Clock, Log, Store } from '@brume/ports'
import type { Event, Json } from '../../logic/port.ts'
import type { CellStatus, Durability, HistoryEntry, Mailbox, Refusal, Supervise } from '../port.ts'

/** A timer of an actor; `to` names another target than the actor itself. */
export interface StoredTimer {
  readonly id: string
  /** Wall time, ms since 1970. */
  readonly dueMs: number
  /** As it was asked for: `resume: 'restart'` needs it. */
  readonly delayMs: number
  readonly event: Event
  readonly to: string | null
}

export interface StoredChild {
  readonly id: string
  readonly src: string
  readonly incarnation: number
  readonly input: Json
  readonly syncSnapshot: boolean
  readonly systemId: string | null
}

/** Spawn options that survive; a rule of `allow` that is a function does not, and is given again at the next spawn. */
export interface StoredOptions {
  readonly durability: Durability
  readonly input: Json
  readonly mailbox: Mailbox | null
  readonly supervise: Supervise | null
  readonly passivateMs: number | null
  readonly allow: Json
  /** What becomes of its timers while the peer is down. */
  readonly resume: Resume
  /** Its history is never cut; else the newest 1,000 entries of the last 7 days are kept. */
  readonly keepAll: boolean
}

/** After a restart of the peer: at the original time, after the time that was left, or after the whole time. */
export type Resume = 'deadline' | 'remaining' | 'restart'

/** All that survives of one actor: the record of actors.md section 4. */
export interface StoredActor {
  /** `brume://<authority>/<path>`, without incarnation. */
  readonly address: string
  readonly kind: string
  readonly logicId: Uint8Array
  readonly version: number
  readonly incarnation: number
  readonly seq: number
  readonly status: CellStatus
  /** What `ActorLogic.persist` gave. */
  readonly state: Json
  readonly children: readonly StoredChild[]
  readonly timers: readonly StoredTimer[]
  /** Targets with the incarnation that is watched, if known. */
  readonly watching: readonly string[]
  readonly restarts: number
  /** Number of the next outbox entry. */
  readonly outNext: number
  /** Path of the parent and the child's `src` there; null for a root. */
  readonly parent: { readonly path: string; readonly id: string; readonly src: string } | null
  readonly createdMs: number
  /** Must be in memory whenever the peer runs: it watches, has effects under way, or children that are none of cells. */
  readonly wake: boolean
  readonly options: StoredOptions
  /** Of one that failed: what the last failure said. */
  readonly failure: string | null
}

/** Something sent or to be run, fixed in the batch of the step that caused it. */
export interface OutboxEntry {
  /** `mail`: to an address; `control`: to an actor of this kernel, past its bound; `run`: a custom action. */
  readonly kind: 'mail' | 'control' | 'run'
  /** Address or, for `run`, the action's type. */
  readonly target: string
  /** The entry before it to the same target; 0: none. */
  readonly prev: number
  /** Event or params. */
  readonly body: Json
  /** Wall time. */
  readonly expiresMs: number
}

export interface StoredReply {
  readonly expiresMs: number
  readonly code: 'ok' | Refusal
  readonly value: Json
}

/** Where an actor lives that moved from here. */
export interface StoredMove {
  /** Without incarnation. */
  readonly address: string
  /** Names the move to both peers. */
  readonly token: Uint8Array
  /** Wall time; kept beyond it until the other peer is known to have it. */
  readonly expiresMs: number
  readonly isTold: boolean
}

/** Whom an address of another peer means here. */
export interface Former {
  readonly path: string
  /** That life there, and what it goes on as here. */
  readonly incarnation: number
  readonly here: number
}

/** An address without incarnation, and an incarnation. */
export type Known = readonly [address: string, incarnation: number]

/** An actor that came and does not live yet: its peer has not said that it may. */
export interface StoredArrival {
  /** Its address there. */
  readonly from: string
  readonly path: string
  /** All under which it and its children were known, without incarnation. */
  readonly addresses: readonly string[]
  /** As `move/parcel.ts` has it. */
  readonly parcel: Uint8Array
}

/** What is stored beside an actor, key by key: `[address it was spoken to as, sender's id, watermark]`, `[key, reply]`. */
export interface Belongings {
  readonly marks: readonly (readonly [as: string, sender: Uint8Array, mark: Uint8Array])[]
  readonly replies: readonly (readonly [key: Uint8Array, reply: Uint8Array])[]
}

/** Actors that leave for another peer, and come from one. What is put is part of the open batch. */
export interface Transfers {
  /** Undefined: it did not move, or so long ago that nobody asks. */
  moved(path: string): StoredMove | undefined
  putMoved(path: string, move: StoredMove): void
  /** Moves of which the other peer may not know; by what is on disk. */
  untold(): AsyncIterable<StoredMove>
  /** Its record goes, and what is in the indexes. What it sent stays. */
  remove(path: string): void
  /** Once all that was changed is on disk. `as`: path, and addresses it had before. */
  belongings(path: string, as: readonly string[]): Promise<Belongings>
  /** A record from elsewhere, of an actor that is not in memory. */
  put(actor: StoredActor, belongings: Belongings): void
  former(address: string): Former | undefined
  /** Addresses that an actor here had before, without incarnation, and which life of it each means. */
  formers(path: string): readonly Known[]
  /** @param here - the incarnation it has now */
  putFormers(path: string, formers: readonly Known[], here: number): void
  arrival(token: Uint8Array): StoredArrival | undefined
  putArrival(token: Uint8Array, arrival: StoredArrival | null): void
  arrivals(): AsyncIterable<readonly [token: Uint8Array, arrival: StoredArrival]>
}

/**
 * An actor whose record is written: asked once when its batch closes, however many steps it made, and in a
 * journal once more at its birth. What `record` gives must be plain: it has been checked in the step.
 */
export interface Persistent {
  readonly path: string
  readonly durability: Durability
  record(): StoredActor
}

/**
 * The open batch, and those that are on their way to the disk. A batch closes when the previous sync has
 * finished, or at 4 MiB, and only between steps; all its changes are written together or not at all.
 */
export interface Commit {
  /** Number of the batch that is open: what a durable step does belongs to it. From 1 on. */
  readonly open: number
  /** This batch and all before it are on disk. */
  readonly confirmed: number
  /** Bytes, about, that wait for the disk: above some bound the kernel takes no more from outside. */
  readonly backlogBytes: number
  /** A turn is over, no step is half done: what is open may be written. */
  flush(): void
  /**
   * Writes the record as it is when the batch closes; in a journal also the processed event. `seq` of a journal goes
   * on over restarts of the actor.
   */
  save(actor: Persistent, entry?: HistoryEntry): void
  /** The actor ended: its record becomes a tombstone for 24 h and its timers go; what it sent is still delivered. */
  bury(actor: Persistent): void
  /** It left memory: from now on its timers are `onDue`'s, once what was saved of it is on disk. */
  release(path: string): void
  putOutbox(path: string, seq: number, entry: OutboxEntry): void
  /** Put and dropped in one batch, an entry is never written. */
  dropOutbox(path: string, seq: number): void
  /** @param as - path, or the address of another peer that the sender spoke to */
  putWatermark(as: string, sender: string, incarnation: number, seq: number): void
  putReply(path: string, key: Uint8Array, reply: StoredReply): void
  putAlias(root: string, systemId: string, address: string | null): void
}

export type Loaded =
  | { readonly kind: 'actor'; readonly actor: StoredActor }
  /** Its bytes stay; it refuses with this code. */
  | { readonly kind: 'damaged'; readonly error: Error }

/** What is on disk together with what is in batches on their way there; the synchronous ones by `Store.getSync`. */
export interface Archive {
  /** Where nothing of this path lives: undefined. It counts as in memory until `release`. */
  load(path: string): Loaded | undefined
  /** The last record of an actor that was stopped less than 24 h ago, or that still has something in its outbox. */
  tombstone(path: string): StoredActor | undefined
  outbox(path: string): readonly (OutboxEntry & { readonly seq: number })[]
  watermark(as: string, sender: string): { readonly incarnation: number; readonly seq: number } | undefined
  reply(path: string, key: Uint8Array): StoredReply | undefined
  alias(root: string, systemId: string): string | undefined
  history(path: string, from: number): AsyncIterable<HistoryEntry>
  /** The newest record at or before `seq`, and the entries after it up to `seq`. */
  recordAt(
    path: string,
    seq: number
  ): Promise<{
    readonly actor: StoredActor
    readonly entries: readonly HistoryEntry[]
  } | null>
}

/** The durable part of a kernel. */
export interface Durable extends Commit, Archive {
  /**
   * Counts the boot, and resolves with what must be loaded at once: actors with outbox entries, effects, watches
   * or running children. Those with nothing but timers are woken when these are due.
   */
  start(): Promise<{ readonly boot: number; readonly awake: readonly string[] }>
  /** Entries of all outboxes. */
  readonly outboxSize: number
  readonly transfers: Transfers
  /** A boot number beyond all used so far, for incarnations; committed with the open batch. */
  nextBoot(): number
  /**
   * Wall time as timers count it: read once at the start and carried on by the monotonic clock, so that a jump of the
   * wall clock moves no timer while the peer runs. ms since 1970; `dueMs` are of this time.
   */
  nowMs(): number
  /** Kinds came: who was due and was released at once, because it could not be loaded, is due again. */
  retry(): void
  /** Resolves when everything that was saved is on disk. */
  stop(): Promise<void>
}

export interface DurableOptions {
  readonly store: Store
  /** Of the addresses: this peer. */
  readonly authority: string
  readonly clock: Clock
  readonly log: Log
  /** Batches up to this one are on disk: their outputs may leave. */
  readonly onConfirmed: (batch: number) => void
  readonly onFatal: (error: Error) => void
  /** An actor that is not in memory has a timer due. */
  readonly onDue: (path: string) => void
}

/** Which cells leave memory: idle ones, and the longest unused above a number of residents. */
export interface Residency {
  /** It had a turn, or was loaded. */
  used(path: string, passivateMs: number): void
  gone(path: string): void
  stop(): void
}

export interface ResidencyOptions {
  readonly clock: Clock
  /** Takes the actor out of memory; false where it must stay (waiting events, effects, watchers). */
  readonly evict: (path: string) => boolean
  readonly after: (delayMs: number, run: () => void) => Cancel
}
