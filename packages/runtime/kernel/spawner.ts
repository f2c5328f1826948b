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
  readonly #kinds = new Map<string, Kind>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  register(kind: Kind): void {
    this.#kinds.set(kind.name, kind)
    this.#parts.scheduler.held(() => this.#parts.persistence.wake())
  }

  kind(name: string): Kind | undefined {
    return this.#kinds.get(name)
  }

  /** Starts it before returning. @throws RuntimeError */
  root(path: string, name: string, options: SpawnOptions): Cell {
    const kind = this.#kinds.get(name)
    if (kind === undefined) {
      throw new RuntimeError('BRUME_RUNTIME_KIND', `${name} is not registered; register it before spawning ${path}`)
    }
    assertMailbox(options)
    const { door, places, steps } = this.#parts
    const address = places.address(path)
    const living = door.find({ isHere: true, authority: places.self, path, incarnation: null })
    if (living === 'damaged' || living === 'unmigrated') throw refusalError(living, path)
    if (typeof living !== 'string' && this.#isTaken(living)) return this.#same(living, kind, options)
    const input = kind.input === undefined ? options.input : kind.input(options.input ?? null)
    const cell = new Cell({
      ...{ path, address, kind, logic: kind.logic, origin: null },
      options: input === undefined ? options : { ...options, input },
      durability: this.#parts.options.store === undefined ? 'memory' : (options.durability ?? 'snapshot'),
      turn: steps.turn
    })
    this.#begin(cell)
    return cell
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
    this.#parts.cells.add(cell)
    this.#parts.scheduler.held(() => this.#parts.supervisor.begin(cell))
  }

  /** A failed one on disk waits for its resurrection. */
  #isTaken(cell: Cell): boolean {
    return cell.isAlive || (cell.status === 'failed' && this.#parts.persistence.of(cell) !== null)
  }

  /** The one that lives; what was given this time counts from now on, but for its input and durability. */
  #same(living: Cell, kind: Kind, options: SpawnOptions): Cell {
    if (living.origin === null && living.kind.name === kind.name && living.kind.version === kind.version) {
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
    throw new RuntimeError('BRUME_RUNTIME_PATH_TAKEN', `${living.path} is in use; stop it first or choose another path`)
  }
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
