import type { Event, Json } from '../logic/port.ts'
import type { OutcomeName } from './leaves.ts'

/** A state that the executor holds: immutable, named by a number until it is dropped. */
export type StateRef = number

/** A command that takes effect. */
export interface Ordered {
  /** Lower-case hex of 32 bytes. */
  readonly id: string
  /** Ed25519 key of who signed it, 32 bytes. */
  readonly client: Uint8Array
  /** Place in the payload. */
  readonly index: number
  /** As `encodeCommand` wrote it. */
  readonly body: Uint8Array
  /** Of a command of kind `sent`: what its proof shows; null: nothing. */
  readonly shown?: Shown | null
}

/** An event of another group's actor for this one, as that group's members have attested it. */
export interface Shown {
  /** Its address, without incarnation. */
  readonly from: string
  readonly seq: number
  readonly prev: number
  /** That group's time, ms since 1970. */
  readonly timeMs: number
  readonly event: Json
}

/** What of a final block concerns the machine. */
export interface Batch {
  readonly height: number
  /** Group time, ms since 1970. */
  readonly timeMs: number
  /** The epoch's, 32 bytes. */
  readonly seed: Uint8Array
  readonly commands: readonly Ordered[]
}

export interface Outcome {
  readonly id: string
  readonly outcome: OutcomeName
  readonly value: Json
}

/** An event for an actor that is no member. */
export interface Outgoing {
  /** `height x 2^14 + place in the block`: rises with every send of the group. */
  readonly seq: number
  /** Of the send before to the same target; 0: none that is remembered. */
  readonly prev: number
  /** An address. */
  readonly to: string
  readonly event: Event
}

export interface Executed {
  readonly state: StateRef
  /** In the order of the commands. */
  readonly outcomes: readonly Outcome[]
  readonly sends: readonly Outgoing[]
  /** What the machine emitted, in order. */
  readonly emitted: readonly Event[]
  /** Leaves that differ from those of the parent; null: there is none any more. */
  readonly changes: readonly (readonly [path: string, bytes: Uint8Array | null])[]
  /** Timers that were due. */
  readonly fired: number
  /** Group time of the earliest timer left; null: none. */
  readonly dueMs: number | null
}

/** The state in which a machine of an earlier version was frozen. */
export interface Legacy {
  readonly leaves: readonly (readonly [path: string, bytes: Uint8Array])[]
  /** Its version: `migrate[version]` of the module takes it on, and those after that one, as far as there are. */
  readonly version: number
}

/** What a machine is run as. */
export interface Assignment {
  /** Address of the group's actor, with incarnation. */
  readonly address: string
  readonly input: Json
  /** What it goes on from in the input's place; null: it begins anew. */
  readonly legacy: Legacy | null
  /** Ed25519 keys, lower-case hex, that may freeze it. */
  readonly admins: readonly string[]
}

/**
 * Runs one machine, block by block; states are values, so that one block can be executed on several. Everything it
 * answers is equal on all members, and where it cannot be, it rejects with `ReplicaError` EXHAUSTED.
 */
export interface Executor {
  /** @param parent - null: before the first block, which starts the machine */
  execute(parent: StateRef | null, batch: Batch): Promise<Executed>
  query(state: StateRef, name: string, args: Json): Promise<{ readonly outcome: OutcomeName; readonly value: Json }>
  /** All leaves of a state. */
  leaves(state: StateRef): Promise<readonly (readonly [path: string, bytes: Uint8Array])[]>
  /** From all leaves of one. @throws where they are none */
  restore(leaves: readonly (readonly [path: string, bytes: Uint8Array])[]): Promise<StateRef>
  drop(state: StateRef): void
  stop(): Promise<void>
}
