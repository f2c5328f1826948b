import type { Assignment, Bundle, Executor } from '@brume/runtime/replica'

/** Makes what runs one replicated machine. */
export type MakeExecutor = (bundle: Bundle, assignment: Assignment) => Executor

/**
 * Executors of this peer's groups, and of states on trial until they are stopped. Those of groups outlive them by a
 * little, so that no group meets one that has ended.
 */
export class Executors {
  readonly #make: MakeExecutor
  readonly #running = new Set<Executor>()

  constructor(make: MakeExecutor) {
    this.#make = make
  }

  readonly create: MakeExecutor = (bundle, assignment) => {
    const made = this.#make(bundle, assignment)
    const executor: Executor = {
      execute: (...args) => made.execute(...args),
      query: (...args) => made.query(...args),
      leaves: (state) => made.leaves(state),
      restore: (leaves) => made.restore(leaves),
      drop: (state) => made.drop(state),
      stop: () => {
        this.#running.delete(executor)
        return made.stop()
      }
    }
    this.#running.add(executor)
    return executor
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((executor) => executor.stop()))
  }
}
