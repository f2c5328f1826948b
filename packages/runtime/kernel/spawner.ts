import { RuntimeError } from '../error.ts'
import type { ActorLogic, Json } from '../logic/port.ts'
import { Cell, type Origin } from './cell.ts'
import { refusalError } from './errors.ts'
import { MAILBOX_EVENTS_LIMIT } from './mailbox.ts'
import type { Parts } from './parts.ts'
import type { Kind, SpawnOptions } from './port.ts'

/** Makes cells: for callers by the name of a registered kind, for machines by the `src` of their setup. */
export class Spawner {
  readonly #parts: Parts
  /** By name and version. */
  readonly #kinds = new Map<string, Map<number, Kind>>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  register(kind: Kind): void {
    const versions = this.#kinds.get(kind.name) ?? new Map<number, Kind>()
    this.#kinds.set(kind.name, versions.set(kind.version, kind))
    this.#parts.scheduler.held(() => this.#parts.persistence.wake())
  }

  /** The newest, unless a version is asked for. */
  kind(name: string, version?: number): Kind | undefined {
    const versions = this.#kinds.get(name)
    return version === undefined ? newest(versions?.values() ?? []) : versions?.get(version)
  }

  /**
   * What a stored actor of this version runs as from now on: the newest version that takes over earlier ones, or its own.
   * Undefined: it is to stay what it is, and that is not registered.
   */
  kindFor(name: string, version: number): Kind | undefined {
    const versions = [...(this.#kinds.get(name)?.values() ?? [])]
    const takesOver = (kind: Kind): boolean => kind.version > version && kind.upgrade !== 'never'
    const older = versions.every((kind) => kind.version < version) ? newest(versions) : undefined
    return newest(versions.filter(takesOver)) ?? this.#kinds.get(name)?.get(version) ?? older
  }

  /** Starts it before returning; its address. @throws RuntimeError */
  root(path: string, name: string, options: SpawnOptions): string {
    const kind = this.kind(name, options.version)
    if (kind === undefined) {
      throw new RuntimeError('BRUME_RUNTIME_KIND', `${name} is not registered; register it before spawning ${path}`)
    }
    assertMailbox(options)
    const { door, places, steps, arrivals, persistence } = this.#parts
    const address = places.address(path)
    if (arrivals.isExpected(path)) throw taken(path)
    const living = door.find({ isHere: true, authority: places.self, path, incarnation: null })
    if (living === 'damaged' || living === 'unmigrated') throw refusalError(living, path)
    if (living === 'moved') return persistence.movedTo(path) ?? address
    if (typeof living !== 'string' && this.#isTaken(living)) return this.#same(living, kind, options).address
    const input = kind.input === undefined ? options.input : kind.input(options.input ?? null)
    const cell = new Cell({
      ...{ path, address, kind, logic: kind.logic, origin: null },
      options: input === undefined ? options : { ...options, input },
      durability: this.#parts.options.store === undefined ? 'memory' : (options.durability ?? 'snapshot'),
      turn: steps.turn
    })
    this.#begin(cell)
    return cell.address
  }

  /** @throws RuntimeError, which is the parent's failure */
  child(parent: Cell, logic: ActorLogic, origin: Origin, input: Json): void {
    const { places, steps, aliases, cells } = this.#parts
    const path = places.below(parent.path, origin.id)
    if (cells.get(path)?.isAlive) {
      throw new RuntimeError(
        'BRUME_RUNTIME_PATH_TAKEN',
        `${path} is in use by an actor that ${parent.path} did not start`
      )
    }
    const { kind, durability } = parent
    const address = places.address(path)
    const options = { ...stayOf(parent.options), input }
    const cell = new Cell({ path, address, kind, logic, origin, options, durability, turn: steps.turn })
    aliases.enter(cell)
    this.#begin(cell)
  }

  #begin(cell: Cell): void {
    cell.createdMs = this.#parts.options.clock.wall()
    if (cell.durability !== 'memory') cell.outNext = this.#parts.persistence.outNext(cell.path)
    this.#parts.cells.add(cell)
    this.#parts.scheduler.held(() => this.#parts.supervisor.begin(cell))
  }

  /** A failed one on disk waits for its resurrection. */
  #isTaken(cell: Cell): boolean {
    return cell.isAlive || (cell.status === 'failed' && this.#parts.persistence.of(cell) !== null)
  }

  /** The one that lives; what was given this time counts from now on, but for its input and durability. */
  #same(living: Cell, kind: Kind, options: SpawnOptions): Cell {
    const isSame =
      living.kind.version === kind.version || (living.kind.version < kind.version && kind.upgrade === 'never')
    if (living.origin === null && living.kind.name === kind.name && isSame) {
      const { input, durability } = living.options
      living.options = {
        ...living.options,
        ...options,
        ...(input === undefined ? {} : { input }),
        ...(durability && { durability })
      }
      living.forgetBoundary()
      return living
    }
    throw taken(living.path)
  }
}

function newest(kinds: Iterable<Kind>): Kind | undefined {
  let found: Kind | undefined
  for (const kind of kinds) if (found === undefined || kind.version > found.version) found = kind
  return found
}

function taken(path: string): RuntimeError {
  return new RuntimeError('BRUME_RUNTIME_PATH_TAKEN', `${path} is in use; stop it first or choose another path`)
}

function assertMailbox({ mailbox }: SpawnOptions): void {
  const max = mailbox?.max
  if (max === undefined || (Number.isInteger(max) && max >= 1 && max <= MAILBOX_EVENTS_LIMIT)) return
  throw new RuntimeError('BRUME_RUNTIME_LIMIT', `a mailbox takes 1 to ${MAILBOX_EVENTS_LIMIT} events, not ${max}`)
}

/** Who may speak to a child, and when it leaves memory, is as for its parent, which leaves after it. */
function stayOf({ passivate, passivateMs, allow }: SpawnOptions): SpawnOptions {
  return {
    ...(allow === undefined ? {} : { allow }),
    ...(passivate === undefined ? {} : { passivate }),
    ...(passivateMs === undefined ? {} : { passivateMs })
  }
}
