import type { Cancel } from '@brume/ports'
import { type Boundary, createBoundary } from '../logic/boundary.ts'
import type { ActorLogic, Event, Json, Scope } from '../logic/port.ts'
import type { Persistent, StoredActor, StoredChild } from './durable/port.ts'
import type { LiveActor } from './live.ts'
import { Mailbox } from './mailbox.ts'
import type { CellStatus, CellView, Durability, Inbox, Kind, SpawnOptions } from './port.ts'
import { recordOf } from './records.ts'
import type { Runnable } from './scheduler.ts'
import { type FailureHistory, NO_FAILURES } from './supervision.ts'

/** Of an actor that a machine started, not a caller. */
export interface Origin {
  readonly parent: Cell
  readonly id: string
  readonly src: string
  readonly syncSnapshot: boolean
  readonly systemId: string | null
}

export interface CellInit {
  readonly path: string
  /** Without incarnation. */
  readonly address: string
  /** Of the root of its tree. */
  readonly kind: Kind
  readonly logic: ActorLogic
  readonly origin: Origin | null
  readonly options: SpawnOptions
  readonly durability: Durability
  readonly turn: (cell: Cell, eventsMax: number) => number
}

/** A timer that a machine set; it is the actor's until its event was processed. */
export interface CellTimer {
  readonly id: string
  readonly event: Event
  /** Null: the actor itself. */
  readonly to: string | null
  /** Wall time. */
  readonly dueMs: number
  readonly delayMs: number
  cancel: Cancel
}

/** How far a durable sender's messages have come. */
export interface Mark {
  readonly incarnation: number
  readonly seq: number
}

const IS_PRODUCTION = process.env.NODE_ENV === 'production'

/** One path: mailbox, failures and watches stay; state is replaced with each incarnation. */
export class Cell implements Runnable, Persistent {
  readonly path: string
  readonly address: string
  readonly kind: Kind
  readonly logic: ActorLogic
  readonly origin: Origin | null
  /** As given at the last spawn. */
  options: SpawnOptions
  readonly durability: Durability
  readonly mailbox: Mailbox
  status: CellStatus = 'starting'
  incarnation = 0
  /** `address` with the incarnation. */
  self = ''
  /** What `init` and `step` gave last; undefined before the first start. */
  state: unknown
  /** Events processed by this incarnation. */
  seq = 0
  /** The highest batch that its state depends on. */
  batch = 0
  history: FailureHistory = NO_FAILURES
  overflowed = 0
  restarts = 0
  /** What the last failure said; null since it was resurrected, and before any. */
  failure: string | null = null
  queued = false
  /** The nearest living cell whose path this one's begins with, and those of which this is. */
  above: Cell | null = null
  readonly below = new Set<Cell>()
  readonly timers = new Map<string, CellTimer>()
  createdMs = 0
  /** Number of the next outbox entry. */
  outNext = 1
  /** The last entry to a target that is not confirmed. */
  readonly outstanding = new Map<string, number>()
  /** The last message taken of each durable sender, processed or not. */
  readonly taken = new Map<string, Mark>()
  /** Of those that are not processed, by number and sender: who is to be told. */
  readonly unprocessed = new Map<string, Inbox[]>()
  /** Those its machine started, in memory or not, by id. */
  readonly children = new Map<string, StoredChild>()
  /** Of the next timer without an id. */
  nameless = 0
  /** Stopped because this cell above failed, and started again with it. */
  waitsFor: Cell | null = null
  /** Failed, and the level above has not decided yet. */
  escalated = false
  restartTimer: Cancel | null = null
  /** Promises, callbacks and observables that run for it, by id. */
  readonly actors = new Map<string, LiveActor>()
  /** By target. */
  readonly watching = new Map<string, Cancel>()
  readonly #turn: CellInit['turn']
  #boundary: Boundary | null = null

  constructor(init: CellInit) {
    this.path = init.path
    this.address = init.address
    this.kind = init.kind
    this.logic = init.logic
    this.origin = init.origin
    this.options = init.options
    this.durability = init.durability
    this.mailbox = new Mailbox(init.options.mailbox)
    this.#turn = init.turn
  }

  get isAlive(): boolean {
    return this.status === 'active' || !ENDED.has(this.status)
  }

  /** What events from outside pass. */
  get boundary(): Boundary {
    const { allow } = this.options
    const { event } = this.kind
    this.#boundary ??= createBoundary({
      ...(allow === undefined ? {} : { allow }),
      ...(event === undefined || this.origin !== null ? {} : { event }),
      checkLocal: this.durability !== 'memory' || !IS_PRODUCTION
    })
    return this.#boundary
  }

  forgetBoundary(): void {
    this.#boundary = null
  }

  /** As `Persistent` has it. */
  record(): StoredActor {
    return recordOf(this)
  }

  get isReady(): boolean {
    return this.status === 'starting' || (this.status === 'active' && this.mailbox.length > 0)
  }

  get input(): Json {
    return this.options.input ?? null
  }

  turn(eventsMax: number): number {
    return this.#turn(this, eventsMax)
  }

  view(): CellView {
    const { path, kind, status, incarnation, durability, seq, overflowed, restarts, failure } = this
    const waiting = this.mailbox.length
    return {
      ...{ path, kind: kind.name, version: kind.version, status, incarnation, durability, seq },
      ...{ waiting, overflowed, restarts, ...(failure === null ? {} : { failure }) }
    }
  }
}

/** Final until a new spawn or `resurrect`. */
const ENDED: ReadonlySet<CellStatus> = new Set(['done', 'failed', 'stopped', 'damaged', 'unmigrated'])

/** What surrounds one step of a cell. */
export function scopeOf(
  cell: Cell,
  nowMs: number,
  sender: string | null,
  ask: string | null,
  random: Scope['random']
): Scope {
  return { address: cell.self, parent: cell.origin?.parent.self ?? null, nowMs, sender, ask, random }
}
