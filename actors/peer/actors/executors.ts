import type { Clock } from '@brume/ports'
import { type Assignment, type Bundle, type Executor, WorkerExecutor } from '@brume/runtime/replica'

/** Makes what runs one replicated machine. */
export type MakeExecutor = (bundle: Bundle, assignment: Assignment, clock: Clock) => Executor

/** In a thread of its own: a machine that does not end costs this peer's votes nothing. */
export const inThread: MakeExecutor = (bundle, assignment, clock) => new WorkerExecutor(bundle, assignment, clock)

/** Executors of this peer's groups. They outlive the groups by a little, so that no group meets one that has ended. */
export class Executors {
  readonly #make: MakeExecutor
  readonly #clock: Clock
  readonly #running = new Set<Executor>()

  constructor(make: MakeExecutor, clock: Clock) {
    this.#make = make
    this.#clock = clock
  }

  readonly create = (bundle: Bundle, assignment: Assignment): Executor => {
    const executor = this.#make(bundle, assignment, this.#clock)
    this.#running.add(executor)
    return executor
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((executor) => executor.stop()))
    this.#running.clear()
  }
}
