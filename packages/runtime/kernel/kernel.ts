import type { Cancel, PeerId, Store } from '@brume/ports'
import { formatAddress } from '../address.ts'
import { RuntimeError } from '../error.ts'
import type { Event, Json } from '../logic/port.ts'
import { Aliases } from './aliases.ts'
import { Asks } from './asks.ts'
import { Calls } from './calls.ts'
import { Cells } from './cells.ts'
import { Commands } from './commands.ts'
import { Door } from './door.ts'
import { createDurable } from './durable/durable.ts'
import type { Durable } from './durable/port.ts'
import { Effects } from './effects.ts'
import { refusalError } from './errors.ts'
import { Incarnations } from './incarnations.ts'
import { Intake } from './intake.ts'
import { Letters } from './letters.ts'
import { Live } from './live.ts'
import { Meters } from './meters.ts'
import { Arrivals } from './move/arrivals.ts'
import { Departures } from './move/departures.ts'
import { Outgoing } from './outgoing.ts'
import { Outputs } from './outputs.ts'
import type { Parts } from './parts.ts'
import { Persistence } from './persistence.ts'
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
import { snapshotAt } from './scratch.ts'
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
  readonly #durable: Durable | null
  readonly #incarnations: Incarnations
  #stopped = false

  constructor(options: KernelOptions) {
    const { parts, durable, incarnations } = assemble(options)
    this.#parts = parts
    this.#durable = durable
    this.#incarnations = incarnations
    this.#calls = new Calls(this.#parts)
    this.#intake = new Intake(this.#parts)
  }

  async start(): Promise<void> {
    const durable = this.#durable
    if (durable === null) return
    const { boot, awake } = await durable.start()
    this.#incarnations.begin(boot, () => durable.nextBoot())
    const { places, asks, scheduler, persistence, outgoing } = this.#parts
    places.begin(this.#incarnations.boot)
    asks.begin(this.#incarnations.boot)
    scheduler.held(() => {
      persistence.wake(awake)
      outgoing.recover(awake)
    })
    await this.#parts.arrivals.begin()
    await this.#parts.departures.begin()
  }

  register(kind: Kind): void {
    this.#parts.spawner.register(kind)
  }

  spawn(path: string, kind: string, options: SpawnOptions = {}): { readonly address: string } {
    if (this.#stopped) throw new RuntimeError('BRUME_RUNTIME_STOPPED', `cannot spawn ${path}: the kernel was stopped`)
    return { address: this.#parts.spawner.root(path, kind, options) }
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
    const { watches, remotes } = this.#parts
    return remotes.reach(target, {
      here: (path) => watches.on(path, type, emitted),
      there: (remote, address) => remote.subscribe(address, type, emitted)
    })
  }

  follow(target: string, changed: (snapshot: Snapshot) => void, ended?: (code: string) => void): Cancel {
    const { watches, remotes } = this.#parts
    return remotes.reach(target, {
      here: (path) => watches.follow(path, changed),
      there: (remote, address) => remote.follow(address, changed, ended)
    })
  }

  history(to: string, from = 0): AsyncIterable<HistoryEntry> {
    const { remotes } = this.#parts
    return remotes.reach(to, {
      here: (path) => {
        if (this.#durable === null) throw refusalError('noactor', path)
        return this.#durable.history(path, from)
      },
      there: (remote, address) => remote.history(address, from)
    })
  }

  async snapshotAt(to: string, seq: number): Promise<Snapshot> {
    const { isHere, path } = this.#parts.places.find(to)
    if (this.#durable === null || !isHere) throw refusalError('noactor', to)
    return snapshotAt(this.#parts, this.#durable, path, seq)
  }

  actors(): readonly CellView[] {
    return [...this.#parts.cells.all()].map((cell) => cell.view())
  }

  deadLetters(): AsyncIterable<DeadLetter> {
    return this.#parts.letters.read()
  }

  async resurrect(to: string): Promise<void> {
    await this.#parts.resurrect(to)
  }

  async stopActor(to: string): Promise<void> {
    await this.#parts.stop(to)
  }

  async spawnOn(peer: PeerId, path: string, kind: string, options: SpawnOptions = {}): Promise<{ address: string }> {
    if (peer === this.#parts.options.self) return this.spawn(path, kind, options)
    const address = await this.#parts.commands.spawn(formatAddress(peer, path), kind, options)
    return { address: String(address) }
  }

  async move(to: string, peer: PeerId): Promise<{ readonly address: string }> {
    return { address: await this.#parts.move(to, peer) }
  }

  obey(peer: PeerId, target: string, body: Json): Promise<Json> {
    return this.#parts.commands.obey(peer, target, body)
  }

  movedTo(target: string): string | null {
    const { door, places, persistence } = this.#parts
    const place = places.find(target)
    return place.isHere && door.find(place) === 'moved' ? persistence.movedTo(place.path) : null
  }

  adopts(address: string): boolean {
    return this.#parts.arrivals.adopts(address)
  }

  receive(message: Inbound, inbox: Inbox): void {
    this.#parts.scheduler.held(() => this.#intake.receive(message, inbox))
  }

  /** Actors in memory end in reverse order of their spawn; those on disk stay there. */
  async stop(): Promise<void> {
    this.#stopped = true
    const { cells, supervisor, runs, scheduler, timers, letters, watches, outputs, persistence } = this.#parts
    this.#parts.departures.stop()
    this.#parts.arrivals.stop()
    scheduler.held(() => {
      for (const cell of [...cells.all()].reverse()) supervisor.leave(cell)
      runs.stop()
    })
    persistence.stop()
    scheduler.stop()
    timers.stop()
    await this.#durable?.stop()
    letters.stop()
    watches.stop()
    outputs.stop()
  }
}

/** All parts, and what begins and ends them. */
function assemble(options: KernelOptions): Whole {
  const { clock, log, store } = options
  const guarded = (run: () => void): void => {
    try {
      run()
    } catch (error) {
      log.error({ error }, 'a callback of the kernel threw; fix the callback')
    }
  }
  const outputs = new Outputs(guarded)
  const scheduler = new Scheduler(clock, () => parts.persistence.flush())
  const incarnations = new Incarnations(clock)
  const durable = store === undefined ? null : openDurable(options, store, () => parts)
  const parts = {
    ...{ options, outputs, scheduler },
    places: new Places(options.self, incarnations.boot),
    cells: new Cells(),
    timers: new Timers(clock, scheduler.held, (ms) => parts.meters?.late(ms)),
    letters: new Letters(clock, log, (reason) => parts.meters?.letter(reason)),
    asks: new Asks(incarnations.boot),
    watches: new Watches(outputs),
    nextIncarnation: () => incarnations.next()
    // Each of the others holds the whole, and uses it only when all are there.
  } as unknown as { -readonly [K in keyof Parts]: Parts[K] }
  const { registry } = options
  const gauges = { cells: parts.cells, effects: () => parts.runs.counts }
  const outbox = (): number => durable?.outboxSize ?? 0
  parts.meters = registry === undefined ? null : new Meters(registry, clock, { ...gauges, outbox })
  parts.persistence = new Persistence(parts, durable)
  parts.outgoing = new Outgoing(parts, durable)
  parts.aliases = new Aliases(parts)
  parts.supervisor = new Supervisor(parts)
  parts.steps = new Steps(parts)
  parts.effects = new Effects(parts)
  parts.door = new Door(parts)
  parts.spawner = new Spawner(parts)
  parts.live = new Live(parts)
  parts.runs = new Runs(parts)
  parts.remotes = new Remotes(parts)
  parts.commands = new Commands(parts)
  parts.departures = new Departures(parts, durable)
  parts.arrivals = new Arrivals(parts, durable)
  parts.stop = (to) => stopOf(parts, to)
  parts.move = (to, peer) => moveOf(parts, to, peer)
  parts.resurrect = (to) => resurrectOf(parts, to)
  return { parts, durable, incarnations }
}

/** Not while it moves: then it is stopped where it came to live. */
async function stopOf(parts: Parts, to: string): Promise<void> {
  const { door, places, scheduler, supervisor, outputs, departures, persistence, commands } = parts
  const place = places.find(to)
  if (!place.isHere) return void (await commands.send(to, { do: 'stop' }))
  await departures.settled(place.path)
  const cell = door.find(place)
  if (cell === 'moved') return void (await commands.send(persistence.movedTo(place.path) ?? to, { do: 'stop' }))
  if (typeof cell === 'string') return
  scheduler.held(() => supervisor.stop(cell))
  await new Promise<void>((resolve) => outputs.release(cell.batch, resolve))
}

async function resurrectOf(parts: Parts, to: string): Promise<void> {
  const { door, places, scheduler, supervisor, outputs, persistence, commands } = parts
  const place = places.find(to)
  if (!place.isHere) return void (await commands.send(to, { do: 'resurrect' }))
  const cell = door.find(place)
  if (cell === 'moved') return resurrectOf(parts, persistence.movedTo(place.path) ?? to)
  if (typeof cell === 'string') throw refusalError(cell, to)
  scheduler.held(() => supervisor.resurrect(cell))
  await new Promise<void>((resolve) => outputs.release(cell.batch, resolve))
}

async function moveOf(parts: Parts, to: string, peer: PeerId): Promise<string> {
  const { door, places, departures, persistence, commands } = parts
  const place = places.find(to)
  if (place.authority === peer) return formatAddress(peer, place.path)
  if (!place.isHere) return String(await commands.send(to, { do: 'move', peer }))
  const cell = door.find(place)
  if (cell === 'moved') return moveOf(parts, persistence.movedTo(place.path) ?? to, peer)
  if (typeof cell === 'string') throw refusalError(cell, to)
  return departures.move(cell, peer)
}

interface Whole {
  readonly parts: Parts
  readonly durable: Durable | null
  readonly incarnations: Incarnations
}

function openDurable({ self, clock, log, onFatal }: KernelOptions, store: Store, parts: () => Parts): Durable {
  return createDurable({
    ...{ store, authority: self, clock, log },
    onConfirmed: (batch) => {
      parts().meters?.confirmed(batch)
      parts().scheduler.held(() => parts().outputs.confirmed(batch))
    },
    onFatal: (error) => onFatal?.(error),
    onDue: (path) => parts().scheduler.held(() => void parts().persistence.activate(path))
  })
}
