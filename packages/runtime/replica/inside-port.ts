import type { Event, Json, Persisted, Scope, Step, View } from '../logic/port.ts'

/** What a migration sees of a state: as of a placed actor. `timers` are `[id, dueMs, event, target | null]`. */
export interface Migrating {
  readonly value: Json
  readonly context: Json
  /** Replicated machines have none. */
  readonly children: Json
  readonly timers: Json
}

/** What a bundle offers to the outside of its realm. Arguments may be of any realm; what is answered is of the inside. */
export interface Inside {
  /** Types of events the machine has transitions for, without those of its timers and children. */
  readonly events: readonly string[]
  /** Names of the exported selectors that need no arguments, sorted. */
  readonly selectors: readonly string[]
  /** Of the others. */
  readonly queries: readonly string[]
  /** What a replicated machine must not have, and where; empty for one that can be. */
  readonly forbidden: readonly string[]
  init(input: Json, scope: Scope): Step<unknown>
  step(state: unknown, event: Event, scope: Scope): Step<unknown>
  persist(state: unknown): Persisted
  restore(stored: Json, scope: Scope): unknown
  /**
   * What `migrate[version]`, and the functions after it, make of a state of that version. @throws RangeError where there is
   * none, and what they do
   */
  migrate(version: number, stored: Migrating): Migrating
  view(state: unknown): View
  /** Is there a transition for this event in this state, even if it changes nothing? */
  takes(state: unknown, event: Event, scope: Scope): boolean
  readonly hasSchema: boolean
  /** What the module's `schema` makes of an event. @throws where it refuses it */
  check(event: Event): Event
  /** @param args - null for a selector without arguments. @throws what the selector does */
  select(state: unknown, name: string, args: Json): Json
}

/** What a module of a replicated machine exports. */
export interface MachineModule {
  /** The machine. */
  readonly default: unknown
  /** Of events: a Standard Schema, for all or by type. */
  readonly schema?: unknown
  /** `migrate[v]` takes a state of version v to v + 1. */
  readonly migrate?: Readonly<Record<number, (stored: Migrating) => Migrating>>
  /** Views of the context; those of one parameter are leaves of the state, the others are asked with arguments. */
  readonly selectors?: Readonly<Record<string, (context: never, args: never) => unknown>>
}
