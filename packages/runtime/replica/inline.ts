import type { Bundle } from './bundle.ts'
import { Engine } from './engine.ts'
import type { Assignment, Executed, Executor, StateRef } from './port.ts'
import { openRealm } from './realm.ts'
import { changesOf, leavesOf, NOTHING, restoreState, type State } from './state.ts'

/** What restoring has for a step that never takes place. */
const NO_BLOCK = { height: 0, timeMs: 0, seed: new Uint8Array(32), commands: [] }

/** The states of one machine by number: what runs in a worker, or, in simulated time, in the thread that calls. */
export class Stage {
  readonly #engine: Engine
  readonly #states = new Map<StateRef, State>()
  #last = 0

  /** @throws ReplicaError BUNDLE */
  constructor(bundle: Pick<Bundle, 'code'>, assignment: Assignment) {
    this.#engine = new Engine(openRealm(bundle), assignment)
  }

  execute(...[parent, batch]: Parameters<Executor['execute']>): Executed {
    const before = parent === null ? null : this.#state(parent)
    const { state, ...result } = this.#engine.run(before, batch)
    const changes = changesOf(before ?? NOTHING, state)
    return { ...result, state: this.#keep(state), changes, dueMs: earliestOf(state) }
  }

  query(...[ref, name, args]: Parameters<Executor['query']>): Awaited<ReturnType<Executor['query']>> {
    return this.#engine.query(this.#state(ref), name, args)
  }

  leaves(ref: StateRef): Awaited<ReturnType<Executor['leaves']>> {
    return leavesOf(this.#state(ref))
  }

  restore(leaves: Parameters<Executor['restore']>[0]): StateRef {
    const scope = this.#engine.scope(NO_BLOCK, 0, null, null)
    return this.#keep(restoreState(this.#engine.inside, leaves, scope))
  }

  drop(ref: StateRef): void {
    this.#states.delete(ref)
  }

  #keep(state: State): StateRef {
    this.#last += 1
    this.#states.set(this.#last, state)
    return this.#last
  }

  #state(ref: StateRef): State {
    const state = this.#states.get(ref)
    if (state === undefined) throw new RangeError(`state ${ref} was dropped, or never was`)
    return state
  }
}

function earliestOf({ frozen, timers }: State): number | null {
  if (frozen || timers.size === 0) return null
  let dueMs = Number.POSITIVE_INFINITY
  for (const timer of timers.values()) dueMs = Math.min(dueMs, timer.dueMs)
  return dueMs
}

/**
 * Executes in the thread that calls, and settles before it returns to the event loop: for simulated time, and
 * where what is replicated is trusted to end. @throws ReplicaError BUNDLE
 */
export function inlineExecutor(bundle: Pick<Bundle, 'code'>, assignment: Assignment): Executor {
  const stage = new Stage(bundle, assignment)
  return {
    execute: async (parent, batch) => stage.execute(parent, batch),
    query: async (state, name, args) => stage.query(state, name, args),
    leaves: async (state) => stage.leaves(state),
    restore: async (leaves) => stage.restore(leaves),
    drop: (state) => stage.drop(state),
    stop: async () => {}
  }
}
