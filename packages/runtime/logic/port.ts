/** Plain data: finite numbers, well-formed strings, bytes, dense arrays, plain objects; depth <= 32, 10,000 nodes. */
export type Json = null | boolean | number | string | Uint8Array | readonly Json[] | { readonly [key: string]: Json }

export interface Event {
  readonly type: string
  readonly [field: string]: Json
}

export type Status = 'active' | 'done' | 'error' | 'stopped'

/** What surrounds one step; the same for every event raised within it. */
export interface Scope {
  /** The actor's own, with incarnation. */
  readonly address: string
  /** Null for a root. */
  readonly parent: string | null
  /** Admission time of the event, ms since 1970; group time in a replicated actor. */
  readonly nowMs: number
  /** Who sent the event: an address; null where it came from the actor's own timers, children or effects. */
  readonly sender: string | null
  /** Names the ask that waits for an answer to this event; null: none. */
  readonly ask: string | null
  /** `length` bytes of this step's stream; in a replicated actor equal on all members, and public. */
  readonly random: (length: number) => Uint8Array
}

/**
 * What a step wants done, in this order. Nothing is done before the step's batch is committed.
 *
 * A `timer`, or a `send` with `delayMs`, without `id` is one that nothing cancels: the kernel names it. With an `id` it
 * takes the place of the one of that name.
 */
export type Effect =
  /** `to`: an address; an own child as `#<id>`, the parent as `#`, whoever registered a systemId as `@<systemId>`. */
  | {
      readonly kind: 'send'
      readonly to: string
      readonly event: Event
      readonly id?: string
      readonly delayMs?: number
    }
  | { readonly kind: 'timer'; readonly id?: string; readonly event: Event; readonly delayMs: number }
  | { readonly kind: 'cancel'; readonly id: string }
  | {
      readonly kind: 'spawn'
      readonly id: string
      readonly src: string
      readonly input: Json
      readonly systemId?: string
      readonly syncSnapshot: boolean
    }
  | { readonly kind: 'stop'; readonly id: string }
  | { readonly kind: 'emit'; readonly event: Event }
  | { readonly kind: 'reply'; readonly token: string; readonly value: Json }
  /** A custom action the machine only names: `Kind.effects[type]` is its implementation, journaled, run at least once. */
  | { readonly kind: 'run'; readonly type: string; readonly params: Json }
  /**
   * A custom action the machine has a function for, by name or inline. Where `Kind.effects[type]` exists it is run as
   * `run` is; else `run()` after the commit, which only actors of durability `memory` may have: a function cannot be
   * journaled. `params` is as the machine made it, plain or not.
   */
  | { readonly kind: 'inline'; readonly type: string; readonly params: unknown; readonly run: () => unknown }
  /** From now on the end of each incarnation there comes as `brume.down` with the fields of the kernel's `Down`. */
  | { readonly kind: 'watch'; readonly target: string }
  | { readonly kind: 'unwatch'; readonly target: string }
  /** For people: plain or not, and no part of what replicas agree on. */
  | { readonly kind: 'log'; readonly value: unknown }

export interface Step<S> {
  readonly state: S
  readonly effects: readonly Effect[]
}

/** An actor as other actors and people see it. */
export interface View {
  readonly status: Status
  /** XState's state value. */
  readonly value: Json
  readonly context: Json
  readonly tags: readonly string[]
  readonly output?: Json
  /** With status `error`; a thrown value may be anything. */
  readonly error?: unknown
}

/**
 * What is stored of a state; `value` is null where the logic knows no state values, `output` `[]` where there is none.
 * History is `[history node, [recalled nodes]]`, children are `[id, src, syncSnapshot, systemId or null]`. `order`, only
 * where the value does not say it: numbers of the active nodes in the order in which XState holds them, which is the
 * order in which parallel states act.
 */
export type Persisted = readonly [
  status: Status,
  value: Json,
  context: Json,
  history: readonly (readonly [string, readonly string[]])[],
  output: readonly [] | readonly [Json],
  children: readonly (readonly [id: string, src: string, syncSnapshot: boolean, systemId: string | null])[],
  order: readonly number[]
]

/** How an actor of one kind behaves: pure, synchronous, and knowing nothing of kernels, disks and networks. */
export interface ActorLogic<S = unknown> {
  /** 32 bytes: equal ids behave equally. */
  readonly id: Uint8Array
  /** May throw; so a state never has status `error`. */
  init(input: Json, scope: Scope): Step<S>
  /** Leaves `state` as it was; may throw, also for the error of a child that it does not handle. */
  step(state: S, event: Event, scope: Scope): Step<S>
  /** Plain, sharing nothing with `state`. @throws where the context is not plain and no step has checked it */
  persist(state: S): Persisted
  /** @param stored - what `persist` gave; not kept, not changed. @throws for what is no `Persisted` of this logic */
  restore(stored: Json, scope: Scope): S
  view(state: S): View
  /** As `view` has it, without the rest: asked after every step. */
  status?(state: S): Status
  /** What runs as the child `src`: the logic of a cell, an effect actor, or undefined where nothing of that name is known. */
  child(src: string): Child | undefined
}

export type Child =
  | { readonly kind: 'logic'; readonly logic: ActorLogic }
  /** A promise, callback or observable of XState: runs outside the step, results enter as events. */
  | { readonly kind: 'effect'; readonly logic: unknown }
