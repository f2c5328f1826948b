import type { Cancel, Clock, Log, Random } from '@brume/ports'
import type { AnyActorLogic, EventFromLogic, InputFrom, SnapshotFrom } from 'xstate'

/** `backoff`: waits for its restart, or for that of the actor above. The last three are final until a new spawn. */
export type CellStatus = 'starting' | 'active' | 'backoff' | 'done' | 'failed' | 'stopped'

/** What happens after a failure. `restart`: anew from the original input, after a wait. */
export type Strategy = 'restart' | 'stop' | 'escalate'

/** `full`: 1,024 events wait already, this one was dropped and counted. `stopped`: nobody is there any more. */
export type SendOutcome = 'accepted' | 'full' | 'stopped'

export interface Failure {
  readonly path: string
  readonly error: unknown
  /** Milliseconds until the restart; undefined when there will be none at this level. */
  readonly restartInMs: number | undefined
}

export interface StatusChange {
  readonly path: string
  readonly status: CellStatus
  /** With `backoff`, `failed` and a `stopped` that a failure caused. */
  readonly error: unknown
}

export interface SpawnOptions<L extends AnyActorLogic = AnyActorLogic> {
  readonly input?: InputFrom<L>
  /** Default `restart`. */
  readonly strategy?: Strategy
  /** Called at each failure, after the decision. Must not throw; a throw is logged. */
  readonly onFailed?: (failure: Failure) => void
}

/** The living at one path, through all its restarts. */
export interface Ref<L extends AnyActorLogic = AnyActorLogic> {
  readonly path: string
  /**
   * Handles the event before returning, unless called from within an actor or a waiting mailbox: then in order,
   * later. `control: true` for events that must not be lost: they pass the bound. Throws `RuntimeError` for
   * types that begin with `xstate.`.
   */
  send(event: EventFromLogic<L>, options?: { readonly control?: boolean }): SendOutcome
  status(): CellStatus
  /** XState's snapshot of the running, or else the last, incarnation. */
  snapshot(): SnapshotFrom<L>
  /** Stops those below, then itself. No effect when it has ended. */
  stop(): void
}

export interface CellView {
  readonly path: string
  readonly status: CellStatus
  /** Events that wait now, events refused since spawn because the mailbox was full, restarts since spawn. */
  readonly waiting: number
  readonly overflowed: number
  readonly restarts: number
}

export interface KernelOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** A failure that no actor above took. Without it, it is only logged. */
  readonly onEscalated?: (failure: Failure) => void
}

/** Runs XState actors at paths and decides what happens when they fail. */
export interface Kernel {
  /** Starts the actor before returning. Throws `RuntimeError`: bad path, path in use, kernel stopped. */
  spawn<L extends AnyActorLogic>(path: string, logic: L, options?: SpawnOptions<L>): Ref<L>
  /** Calls `changed` at each change of status at this path, whoever lives there. */
  watch(path: string, changed: (change: StatusChange) => void): Cancel
  /** All cells in order of their spawn, ended ones too. */
  cells(): readonly CellView[]
  /** Stops all actors in reverse order of their spawn. Spawning is refused from then on. */
  stop(): void
}
