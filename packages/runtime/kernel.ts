import type { Cancel, Clock } from '@brume/ports'
import type { AnyActorLogic, EventObject, SnapshotFrom } from 'xstate'
import { Cell } from './cell.ts'
import { RuntimeError } from './error.ts'
import { assertPath } from './path.ts'
import { RunQueue } from './run-queue.ts'
import { Supervisor } from './supervisor.ts'
import type { CellView, Kernel, KernelOptions, Ref, SendOutcome, SpawnOptions, StatusChange } from './types.ts'

/** Ended actors that `cells` still shows; paths made per session would fill the memory otherwise. */
const ENDED_KEPT_MAX = 256

/** A kernel without actors. It takes time and chance from the ports only, so equal inputs give equal runs. */
export function createKernel(options: KernelOptions): Kernel {
  return new ActorKernel(options)
}

class ActorKernel implements Kernel {
  readonly #options: KernelOptions
  /** In order of spawn. */
  readonly #cells = new Map<string, Cell>()
  readonly #watchers = new Map<string, Set<(change: StatusChange) => void>>()
  readonly #queue: RunQueue
  readonly #supervisor: Supervisor
  #stopped = false

  constructor(options: KernelOptions) {
    this.#queue = new RunQueue(options.clock)
    this.#options = { ...options, clock: heldClock(options.clock, this.#queue) }
    this.#supervisor = new Supervisor(this.#options, this.#cells, {
      changed: (cell, error) => this.#changed(cell, error),
      runnable: (cell) => this.#queue.add(cell),
      guarded: (path, run) => this.#guarded(path, run)
    })
  }

  spawn<L extends AnyActorLogic>(path: string, logic: L, options: SpawnOptions<L> = {}): Ref<L> {
    assertPath(path)
    if (this.#stopped) throw new RuntimeError('BRUME_RUNTIME_STOPPED', `cannot spawn ${path}: the kernel was stopped`)
    if (this.#cells.get(path)?.isAlive) {
      throw new RuntimeError('BRUME_RUNTIME_PATH_TAKEN', `${path} is in use; stop it first or choose another path`)
    }
    const cell = new Cell({
      path,
      logic,
      input: options.input,
      strategy: options.strategy ?? 'restart',
      onFailed: options.onFailed,
      clock: this.#options.clock,
      log: this.#options.log.child({ actor: path }),
      failed: (failing, error) => this.#supervisor.fail(failing, error),
      ended: (ending, how) => this.#supervisor.end(ending, how)
    })
    this.#cells.delete(path)
    this.#cells.set(path, cell)
    this.#forget()
    this.#queue.run(() => this.#supervisor.begin(cell))
    return this.#ref<L>(cell)
  }

  watch(path: string, changed: (change: StatusChange) => void): Cancel {
    const watchers = this.#watchers.get(path) ?? new Set()
    this.#watchers.set(path, watchers)
    // A wrapper, so that the same function may watch twice and be cancelled once.
    const watcher = (change: StatusChange): void => changed(change)
    watchers.add(watcher)
    return () => {
      watchers.delete(watcher)
      if (watchers.size === 0 && this.#watchers.get(path) === watchers) this.#watchers.delete(path)
    }
  }

  cells(): readonly CellView[] {
    return [...this.#cells.values()].map(({ path, status, mailbox, overflowed, restarts }) => {
      return { path, status, waiting: mailbox.length, overflowed, restarts }
    })
  }

  stop(): void {
    this.#stopped = true
    for (const cell of [...this.#cells.values()].reverse()) this.#supervisor.end(cell, 'stopped')
    this.#queue.stop()
  }

  #forget(): void {
    const ended = [...this.#cells.values()].filter((cell) => !cell.isAlive)
    for (const cell of ended.slice(0, -ENDED_KEPT_MAX)) this.#cells.delete(cell.path)
  }

  #ref<L extends AnyActorLogic>(cell: Cell): Ref<L> {
    return {
      path: cell.path,
      send: (event, options) => this.#send(cell, event, options?.control === true),
      status: () => cell.status,
      // The cell was made with logic of type L, so its snapshots are L's.
      snapshot: () => cell.snapshot() as SnapshotFrom<L>,
      stop: () => this.#supervisor.end(cell, 'stopped')
    }
  }

  #send(cell: Cell, event: EventObject, control: boolean): SendOutcome {
    if (event.type.startsWith('xstate.')) {
      throw new RuntimeError('BRUME_RUNTIME_EVENT', `${event.type} is XState's own; give the event another type`)
    }
    if (!cell.isAlive) return 'stopped'
    if (!cell.mailbox.put(event, control)) {
      // Once a cell: whoever floods it is not to flood the log as well.
      if (cell.overflowed === 0) cell.options.log.warn({ event: event.type }, 'mailbox full, events are dropped')
      cell.overflowed += 1
      return 'full'
    }
    this.#queue.add(cell)
    return 'accepted'
  }

  #changed(cell: Cell, error: unknown): void {
    const change: StatusChange = { path: cell.path, status: cell.status, error }
    for (const watcher of [...(this.#watchers.get(cell.path) ?? [])]) this.#guarded(cell.path, () => watcher(change))
  }

  /** A callback's throw is the callback's fault and must not become the actor's. */
  #guarded(path: string, run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#options.log.error({ actor: path, error }, 'a callback of the kernel threw; fix the callback')
    }
  }
}

/** Timers run with the queue held, as `send` does: no actor is entered while another has its turn. */
function heldClock(clock: Clock, queue: RunQueue): Clock {
  return {
    now: () => clock.now(),
    wall: () => clock.wall(),
    after: (delayMs, run) => clock.after(delayMs, () => queue.run(run))
  }
}
