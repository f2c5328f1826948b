import type { Registry } from '@brume/observe'
import type { Cancel, Clock, Log, PeerId, Random, Store } from '@brume/ports'
import type { ActorLogic, Event, Json, View } from '../logic/port.ts'

export type Mode = 'solo' | 'standby' | 'bft'
export type Durability = 'memory' | 'snapshot' | 'journal'

export type CellStatus =
  | 'starting'
  | 'active'
  | 'backoff'
  | 'passivating'
  | 'passive'
  | 'moving'
  | 'done'
  | 'failed'
  | 'damaged'
  | 'unmigrated'
  | 'stopped'

/** Why an event was not taken; the numbers are those of the wire. */
export const REFUSAL = {
  full: 1,
  noactor: 2,
  stopped: 3,
  stale: 4,
  invalid: 5,
  forbidden: 6,
  expired: 7,
  gap: 8,
  failed: 9,
  damaged: 10,
  unmigrated: 11,
  rejected: 12,
  overload: 13,
  moved: 14
} as const

export type Refusal = keyof typeof REFUSAL

export type Strategy = 'escalate' | 'resume' | 'restart' | 'stop'

export interface Supervise {
  readonly strategy: Strategy
  /** Failures within `withinMs` after which it escalates. Default 5 in 60,000. */
  readonly max?: number
  readonly withinMs?: number
}

export interface Mailbox {
  /** 1 to 65,536 events; default 1,024. */
  readonly max?: number
  readonly overflow?: 'reject' | 'dropNewest' | 'dropOldest' | 'block'
}

/** Who may send: `any` (default), `local`, these peers, or a rule. */
export type Allow =
  | 'any'
  | 'local'
  | readonly PeerId[]
  | ((request: { readonly peer: PeerId | null; readonly event: Event }) => boolean)

/** Checks one value at the boundary: what it returns is delivered; a throw refuses it. */
export type Check = (value: Json) => Json

/** A kind of actor, as registered. */
export interface Kind {
  readonly name: string
  readonly version: number
  readonly logic: ActorLogic
  readonly event?: Check
  readonly input?: Check
  readonly output?: Check
  /** `migrate[v]` takes a record of version v to v + 1. */
  readonly migrate?: Readonly<Record<number, (stored: Migrating) => Migrating>>
  /** `never`: stored actors of earlier versions stay what they are, and need those registered too. Default `activation`. */
  readonly upgrade?: 'activation' | 'never'
  /** Supervision by child `src`. */
  readonly children?: Readonly<Record<string, Supervise>>
  /** Custom actions by type: at least once, with the effect's id as idempotency key. */
  readonly effects?: Readonly<Record<string, (run: EffectRun) => Promise<Json> | Json>>
}

export interface Migrating {
  readonly value: Json
  readonly context: Json
  readonly children: Json
  readonly timers: Json
}

export interface EffectRun {
  /** `address#incarnation/seq/index`: equal in every try. */
  readonly id: string
  readonly params: Json
  readonly signal: AbortSignal
}

export interface SpawnOptions {
  /** Of the kind; default: the newest that is registered. */
  readonly version?: number
  readonly input?: Json
  /** Default `snapshot`; `memory` where the kernel has no store. */
  readonly durability?: Durability
  readonly mailbox?: Mailbox
  readonly supervise?: Supervise
  /** Idle time after which it leaves memory; 0 after each turn, default 60,000. */
  readonly passivateMs?: number
  /** A volatile actor is packed too, and lives on. */
  readonly passivate?: boolean
  /** Its timers after a restart of the peer: original time (default), time that was left, or whole time. */
  readonly resume?: 'deadline' | 'remaining' | 'restart'
  /** Never cut the history of a journal; default: the newest 1,000 entries of the last 7 days. */
  readonly keep?: 'all'
  readonly allow?: Allow
  /** Told of each failure, after the decision; `restartInMs` undefined where there is no restart at this level. */
  readonly onFailed?: (failure: Failure) => void
}

export interface Failure {
  readonly path: string
  readonly error: unknown
  readonly restartInMs: number | undefined
}

export type DownReason = 'done' | 'error' | 'stopped' | 'restarted' | 'moved' | 'unreachable' | 'stale' | 'noactor'

export interface Down {
  readonly address: string
  readonly reason: DownReason
  readonly incarnation: number
  /** Of one that is done; of one that moved its new address. */
  readonly output?: Json
}

/** Of an actor found at an address. */
export interface Snapshot extends View {
  readonly address: string
  readonly incarnation: number
  /** Events processed by this incarnation. */
  readonly seq: number
  readonly cell: CellStatus
  /** What its last failure said, cut; told on the peer where it lives only. */
  readonly failure?: string
}

export interface SendOptions {
  readonly ttlMs?: number
  /** Own address of a sending actor; default `~client`. */
  readonly from?: string
  /** Shares the order and not the bound; taken for targets under `sys/` only. */
  readonly control?: boolean
}

export interface AskOptions extends SendOptions {
  /** 16 bytes: repeated, it is answered by what was answered. Default random. */
  readonly key?: Uint8Array
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface DeadLetter {
  readonly atMs: number
  readonly reason: Refusal | 'unreachable'
  readonly to: string
  readonly from: string | null
  readonly event: Event
  readonly error?: unknown
}

/** One processed event of an actor of durability `journal`. */
export interface HistoryEntry {
  readonly seq: number
  readonly atMs: number
  readonly sender: string | null
  readonly event: Event
}

export interface CellView {
  readonly path: string
  readonly kind: string
  readonly version: number
  readonly status: CellStatus
  readonly incarnation: number
  readonly durability: Durability
  readonly seq: number
  /** Events waiting, refused since activation; failures since spawn after which it went on, anew or from the state before. */
  readonly waiting: number
  readonly overflowed: number
  readonly restarts: number
  /** What the last failure said, cut. */
  readonly failure?: string
}

/** A message for another peer or group. */
export interface Outbound {
  /** Path here, or `~client`, and its incarnation. */
  readonly from: string
  readonly incarnation: number
  readonly to: string
  readonly event: Event
  /** Wants a reply. */
  readonly ask: boolean
  /** An outbox entry of a durable actor: `seq` over all targets, `prev` the one before to this target. Null: volatile. */
  readonly durable: { readonly seq: number; readonly prev: number } | null
  readonly key: Uint8Array | null
  readonly ttlMs: number
  /** Processed and durable there. */
  readonly committed?: () => void
  readonly refused?: (code: Refusal | 'unreachable') => void
  readonly replied?: (value: Json) => void
}

/** The way to other peers; `delivery/` is one. */
export interface Remote {
  send(message: Outbound): 'accepted' | 'full'
  /** Told once per incarnation of the target. */
  watch(target: string, down: (down: Down) => void): Cancel
  snapshot(target: string, timeoutMs: number, read?: 'local' | 'final'): Promise<Snapshot>
  /** Emitted events of this type; `*` for all. */
  subscribe(target: string, type: string, emitted: (event: Event) => void): Cancel
  /** Every change of its state, after its batch. `ended`: no more will come, and why. */
  follow(target: string, changed: (snapshot: Snapshot) => void, ended?: (code: string) => void): Cancel
  history(target: string, from: number): AsyncIterable<HistoryEntry>
  /** Has the peer of that address do something; resolves with what `Kernel.obey` gave there. @throws RuntimeError */
  command(target: string, body: Json): Promise<Json>
}

/** A message of another peer, its bytes checked for size only. */
export interface Inbound {
  readonly peer: PeerId
  /** Address of the sender, with incarnation. */
  readonly from: string
  readonly to: string
  /** As it came; strict decoding is the kernel's. */
  readonly event: Uint8Array
  readonly ask: boolean
  readonly durable: { readonly seq: number; readonly prev: number } | null
  readonly key: Uint8Array | null
  readonly ttlMs: number
}

/** What becomes of it; all after the batch it depends on is committed. */
export interface Inbox {
  committed(): void
  /** @param at - of `gap`: the number of this sender that was taken last */
  refused(code: Refusal, retryMs: number, at?: number): void
  replied(value: Json): void
  /** It lives at this address now: this message and those behind it are to be sent there. */
  moved(address: string): void
}

export interface KernelOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** This peer: the authority of its actors. */
  readonly self: PeerId
  /** For `brume_runtime_*`. */
  readonly registry?: Registry
  /** Without it all actors are volatile. */
  readonly store?: Store
  readonly remote?: Remote
  /** Peers that may spawn, stop, move and inspect besides `self`. */
  readonly admins?: readonly PeerId[]
  /** False: nothing is taken from outside now, it is refused `overload`. Default: all is. */
  readonly takes?: () => boolean
  /** A write failed: the peer must end, exit code 74. */
  readonly onFatal?: (error: Error) => void
  /** A failure that no actor above took. */
  readonly onEscalated?: (failure: { readonly path: string; readonly error: unknown }) => void
}

/** Runs actors: mailboxes, supervision, time, disk. Policy-free: knows neither network nor membership nor quorum. */
export interface Kernel {
  /** Reads what is stored: boot counter, timers, roots. */
  start(): Promise<void>
  register(kind: Kind): void
  /** The living one where id and kind are equal; the address of one that moved from here. @throws RuntimeError */
  spawn(path: string, kind: string, options?: SpawnOptions): { readonly address: string }
  tell(to: string, event: Event, options?: SendOptions): 'accepted' | Refusal
  /** Resolves once processed and durable. @throws RuntimeError */
  submit(to: string, event: Event, options?: AskOptions): Promise<{ readonly seq: number }>
  /** Resolves with what the machine replied. @throws RuntimeError */
  ask(to: string, event: Event, options?: AskOptions): Promise<Json>
  /** `local`: after the open batch; `final`: through the mailbox. */
  snapshot(to: string, read?: 'local' | 'final'): Promise<Snapshot>
  watch(target: string, down: (down: Down) => void): Cancel
  /** Emitted events of this type, after the batch that caused them; `*` for all. */
  on(target: string, type: string, emitted: (event: Event) => void): Cancel
  /** Every change of the state, after its batch: for `waitFor` and inspectors. */
  follow(target: string, changed: (snapshot: Snapshot) => void, ended?: (code: string) => void): Cancel
  history(path: string, from?: number): AsyncIterable<HistoryEntry>
  snapshotAt(path: string, seq: number): Promise<Snapshot>
  actors(): readonly CellView[]
  deadLetters(): AsyncIterable<DeadLetter>
  /** Starts a failed one again, from where it failed; of another peer, for its admins. Another is left as it is. @throws RuntimeError */
  resurrect(to: string): Promise<void>
  /** Here, or on a peer that has this one among its admins. @throws RuntimeError */
  stopActor(to: string, reason?: string): Promise<void>
  /** As `spawn`, on a peer that has this one among its admins. @throws RuntimeError */
  spawnOn(peer: PeerId, path: string, kind: string, options?: SpawnOptions): Promise<{ readonly address: string }>
  /**
   * Takes a root that is on disk, with all that its machine started, to another peer, which has the same logic
   * registered and this peer among its admins; resolves with its new address. Where it fails, the actor lives on here.
   * @throws RuntimeError
   */
  move(to: string, peer: PeerId): Promise<{ readonly address: string }>
  /** From `delivery/`: what another peer wants done here. @throws RuntimeError */
  obey(peer: PeerId, target: string, body: Json): Promise<Json>
  /** From `delivery/`: where the actor at an address of this peer lives now; null: it did not move. */
  movedTo(target: string): string | null
  /** From `delivery/`: is that an address which an actor here had elsewhere? */
  adopts(address: string): boolean
  /** From `delivery/`. */
  receive(message: Inbound, inbox: Inbox): void
  stop(): Promise<void>
}
