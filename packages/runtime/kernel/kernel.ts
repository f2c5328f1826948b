import type { Cancel } from '@brume/ports'
import { RuntimeError } from '../error.ts'
import type { Event, Json } from '../logic/port.ts'
import { Aliases } from './aliases.ts'
import { Asks } from './asks.ts'
import { Calls } from './calls.ts'
import type { Cell } from './cell.ts'
import { Cells } from './cells.ts'
import { Door } from './door.ts'
import { Effects } from './effects.ts'
import { refusalError } from './errors.ts'
import { Incarnations } from './incarnations.ts'
import { Intake } from './intake.ts'
import { Letters } from './letters.ts'
import { Live } from './live.ts'
import { Outputs } from './outputs.ts'
import type { Parts } from './parts.ts'
import { Places } from './places.ts'
import type {
  AskOptions,
  CellView,
  DeadLetter,
  Down,
  HistoryEntry,
  Inbound,
  Inbox,
  Kernel,
  KernelOptions,
  Kind,
  Refusal,
  SendOptions,
  Snapshot,
  SpawnOptions
} from './port.ts'
import { Remotes } from './remotes.ts'
import { Runs } from './runs.ts'
import { Scheduler } from './scheduler.ts'
import { Spawner } from './spawner.ts'
import { Steps } from './steps.ts'
import { Supervisor } from './supervisor.ts'
import { Timers } from './timers.ts'
import { Watches } from './watches.ts'

/** A kernel without actors. It takes time and chance from the ports only, so equal inputs give equal runs. */
export function createKernel(options: KernelOptions): Kernel {
  return new ActorKernel(options)
}

class ActorKernel implements Kernel {
  readonly #parts: Parts
  readonly #calls: Calls
  readonly #intake: Intake
  #stopped = false

  constructor(options: KernelOptions) {
    this.#parts = assemble(options)
    this.#calls = new Calls(this.#parts)
    this.#intake = new Intake(this.#parts)
  }

  async start(): Promise<void> {}

  register(kind: Kind): void {
    this.#parts.spawner.register(kind)
  }

  spawn(path: string, kind: string, options: SpawnOptions = {}): { readonly address: string } {
    if (this.#stopped) throw new RuntimeError('BRUME_RUNTIME_STOPPED', `cannot spawn ${path}: the kernel was stopped`)
    const { address } = this.#parts.spawner.root(path, kind, options)
    return { address }
  }

  tell(to: string, event: Event, options?: SendOptions): 'accepted' | Refusal {
    return this.#calls.tell(to, event, options)
  }

  submit(to: string, event: Event, options?: AskOptions): Promise<{ readonly seq: number }> {
    return this.#calls.submit(to, event, options)
  }

  ask(to: string, event: Event, options?: AskOptions): Promise<Json> {
    return this.#calls.ask(to, event, options)
  }

  snapshot(to: string, read?: 'local' | 'final'): Promise<Snapshot> {
    return this.#calls.snapshot(to, read)
  }

  watch(target: string, down: (down: Down) => void): Cancel {
    return this.#parts.remotes.watch(target, down)
  }

  on(target: string, type: string, emitted: (event: Event) => void): Cancel {
    const { places, watches, options } = this.#parts
    const place = places.find(target)
    if (place.isHere) return watches.on(place.path, type, emitted)
    if (options.remote === undefined) throw refusalError('unreachable', target)
    return options.remote.subscribe(target, type, emitted)
  }

  follow(target: string, changed: (snapshot: Snapshot) => void): Cancel {
    const place = this.#parts.places.find(target)
    if (!place.isHere) throw refusalError('unreachable', target)
    return this.#parts.watches.follow(place.path, changed)
  }

  history(path: string, from = 0): AsyncIterable<HistoryEntry> {
    const { durable } = this.#parts
    if (durable === null) throw refusalError('noactor', path)
    return durable.history(path, from)
  }

  async snapshotAt(path: string, seq: number): Promise<Snapshot> {
    throw refusalError('noactor', `${path} at ${seq}`)
  }

  actors(): readonly CellView[] {
    return [...this.#parts.cells.all()].map((cell) => cell.view())
  }

  deadLetters(): AsyncIterable<DeadLetter> {
    return this.#parts.letters.read()
  }

  resurrect(path: string): void {
    const cell = this.#find(path)
    this.#parts.scheduler.held(() => this.#parts.supervisor.resurrect(cell))
  }

  async stopActor(path: string): Promise<void> {
    const cell = this.#parts.cells.get(this.#parts.places.find(path).path)
    if (cell !== undefined) this.#parts.scheduler.held(() => this.#parts.supervisor.end(cell, 'stopped'))
  }

  receive(message: Inbound, inbox: Inbox): void {
    this.#parts.scheduler.held(() => this.#intake.receive(message, inbox))
  }

  /** Actors end in reverse order of their spawn. */
  async stop(): Promise<void> {
    this.#stopped = true
    const { cells, supervisor, scheduler, timers, letters, watches, outputs } = this.#parts
    scheduler.held(() => {
      for (const cell of [...cells.all()].reverse()) supervisor.end(cell, 'stopped')
    })
    scheduler.stop()
    timers.stop()
    letters.stop()
    watches.stop()
    outputs.stop()
  }

  #find(path: string): Cell {
    const found = this.#parts.door.find(this.#parts.places.find(path))
    if (typeof found === 'string') throw refusalError(found, path)
    return found
  }
}

function assemble(options: KernelOptions): Parts {
  const { clock, log } = options
  const guarded = (run: () => void): void => {
    try {
      run()
    } catch (error) {
      log.error({ error }, 'a callback of the kernel threw; fix the callback')
    }
  }
  const outputs = new Outputs(guarded)
  const scheduler = new Scheduler(clock)
  const incarnations = new Incarnations(clock)
  const parts = {
    ...{ options, outputs, scheduler, durable: null },
    places: new Places(options.self, incarnations.boot),
    cells: new Cells(),
    timers: new Timers(clock, scheduler.held),
    letters: new Letters(clock, log, () => {}),
    asks: new Asks(incarnations.boot),
    watches: new Watches(outputs),
    aliases: new Aliases(),
    nextIncarnation: () => incarnations.next()
  }
  // Each part holds the whole, and uses the others only when all are there.
  const whole = parts as unknown as { -readonly [K in keyof Parts]: Parts[K] }
  whole.supervisor = new Supervisor(whole)
  whole.steps = new Steps(whole)
  whole.effects = new Effects(whole)
  whole.door = new Door(whole)
  whole.spawner = new Spawner(whole)
  whole.live = new Live(whole)
  whole.runs = new Runs(whole)
  whole.remotes = new Remotes(whole)
  return whole
}
