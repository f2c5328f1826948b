import type { Assignment, Bundle, Executor } from '@brume/runtime/replica'

/** Makes what runs one replicated machine. */
export type MakeExecutor = (bundle: Bundle, assignment: Assignment) => Executor

/** Executors of this peer's groups. They outlive the groups by a little, so that no group meets one that has ended. */
export class Executors {
  readonly #make: MakeExecutor
  readonly #running = new Set<Executor>()

  constructor(make: MakeExecutor) {
    this.#make = make
  }

  readonly create: MakeExecutor = (bundle, assignment) => {
    const executor = this.#make(bundle, assignment)
    this.#running.add(executor)
    return executor
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((executor) => executor.stop()))
    this.#running.clear()
  }
}
