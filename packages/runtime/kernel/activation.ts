import type { Json } from '../logic/port.ts'
import { Cell, type Origin, scopeOf } from './cell.ts'
import type { Durable, StoredActor } from './durable/port.ts'
import { migrate } from './migrate.ts'
import { Packed } from './packed.ts'
import type { Parts } from './parts.ts'
import type { Kind, Refusal, SpawnOptions } from './port.ts'
import { spawnOptions } from './records.ts'

/** Brings actors from the disk into memory and out of it again. Their incarnation stays. */
export class Activation {
  readonly #parts: Parts
  readonly #durable: Durable | null
  readonly #packed: Packed
  /** To be loaded as soon as their kinds are registered. */
  readonly #asleep = new Set<string>()

  constructor(parts: Parts, durable: Durable | null) {
    this.#parts = parts
    this.#durable = durable
    this.#packed = new Packed(parts, (path) => void this.activate(path))
  }

  activate(path: string): Cell | Refusal {
    const packed = this.#packed.take(path)
    if (packed !== undefined) return this.#build(path, packed)
    const loaded = this.#durable?.load(path)
    if (loaded === undefined) return 'noactor'
    const cell = loaded.kind === 'damaged' ? this.#damaged(path, loaded.error) : this.#build(path, loaded.actor)
    if (typeof cell === 'string') this.#durable?.release(path)
    return cell
  }

  owner(path: string): Cell | undefined {
    const found = this.#parts.cells.get(path) ?? this.activate(path)
    if (typeof found !== 'string') return found
    return found === 'noactor' ? this.#remains(path) : undefined
  }

  /** Actors that are out of memory and on no disk. */
  get packed(): number {
    return this.#packed.size
  }

  wake(paths: readonly string[]): void {
    for (const path of paths) this.#asleep.add(path)
    for (const path of [...this.#asleep]) {
      const cell = this.#parts.cells.get(path) ?? this.activate(path)
      if (cell === 'unmigrated') continue
      this.#asleep.delete(path)
    }
    this.#parts.outgoing.resume()
  }

  evict(path: string): boolean {
    const { cells, effects } = this.#parts
    const cell = cells.get(path)
    if (cell === undefined || !this.#mayLeave(cell)) return false
    effects.leave(cell)
    cells.remove(cell)
    if (cell.durability === 'memory') this.#packed.put(cell)
    else this.#durable?.release(path)
    return true
  }

  /** Nothing that only memory has would be lost. */
  #mayLeave(cell: Cell): boolean {
    const { outputs, runs } = this.#parts
    if (cell.status !== 'active' || cell.mailbox.length > 0 || cell.queued || cell.below.size > 0) return false
    if (cell.actors.size > 0 || cell.watching.size > 0 || runs.has(cell)) return false
    return outputs.isFree(cell.batch) && (cell.durability !== 'memory' || cell.options.passivate === true)
  }

  #build(path: string, stored: StoredActor): Cell | Refusal {
    const home = this.#home(stored)
    if (typeof home === 'string') return home
    const actor = this.#migrated(path, stored, home.kind)
    if (typeof actor === 'string') return actor
    const { places, steps } = this.#parts
    const cell = new Cell({
      ...{
        path,
        address: places.address(path),
        ...home,
        options: this.#packed.options(path) ?? optionsOf(actor)
      },
      durability: actor.options.durability,
      turn: steps.turn
    })
    try {
      this.#restore(cell, actor)
    } catch (error) {
      // What a migration made of it is no record's damage.
      return actor === stored ? this.#damaged(path, error) : this.#refused(path, 'unmigrated', { error })
    }
    this.#enter(cell, actor)
    this.#parts.meters?.activated()
    return cell
  }

  /** Of one that was done, and then buried with its parent or by it: enough to run what it still wanted run. */
  #remains(path: string): Cell | undefined {
    const { places, spawner, steps } = this.#parts
    const stored = this.#durable?.tombstone(path)
    const kind = stored === undefined ? undefined : spawner.kindFor(stored.kind, stored.version)
    if (stored === undefined || kind === undefined) return undefined
    const { durability } = stored.options
    const named = { path, address: places.address(path), kind, logic: kind.logic, origin: null }
    const cell = new Cell({ ...named, options: optionsOf(stored), durability, turn: steps.turn })
    cell.incarnation = stored.incarnation
    cell.self = `${cell.address}#${cell.incarnation}`
    cell.status = stored.status
    return cell
  }

  #migrated(path: string, stored: StoredActor, kind: Kind): StoredActor | Refusal {
    const versions = { stored: stored.version, kind: kind.version }
    try {
      return migrate(stored, kind) ?? this.#refused(path, 'unmigrated', versions)
    } catch (error) {
      return this.#refused(path, 'unmigrated', { ...versions, error })
    }
  }

  /** What it is, and whose; a child's parent comes into memory with it. */
  #home({ parent, kind: name, version }: StoredActor): Pick<Cell, 'kind' | 'logic' | 'origin'> | Refusal {
    if (parent === null) {
      const kind = this.#parts.spawner.kindFor(name, version)
      return kind === undefined ? 'unmigrated' : { kind, logic: kind.logic, origin: null }
    }
    const above = this.#parts.cells.get(parent.path) ?? this.activate(parent.path)
    if (typeof above === 'string') return above
    const child = above.logic.child(parent.src)
    const stored = above.children.get(parent.id)
    if (child?.kind !== 'logic' || stored === undefined) return 'noactor'
    const { id, src, syncSnapshot, systemId } = stored
    const origin: Origin = { parent: above, id, src, syncSnapshot, systemId }
    return { kind: above.kind, logic: child.logic, origin }
  }

  #restore(cell: Cell, actor: StoredActor): void {
    cell.incarnation = actor.incarnation
    cell.self = `${cell.address}#${actor.incarnation}`
    cell.seq = actor.seq
    cell.restarts = actor.restarts
    cell.failure = actor.failure
    cell.outNext = actor.outNext
    cell.createdMs = actor.createdMs
    cell.status = actor.status
    for (const child of actor.children) cell.children.set(child.id, child)
    for (const { target, seq } of this.#durable?.outbox(cell.path) ?? []) cell.outstanding.set(target, seq)
    // One that failed in its first step has no state either.
    if (actor.status === 'starting' || actor.state === null) return
    const nowMs = this.#durable?.nowMs() ?? this.#parts.options.clock.wall()
    cell.state = cell.logic.restore(actor.state as Json, scopeOf(cell, nowMs, null, null, randomless))
  }

  /** What it had going goes on. */
  #enter(cell: Cell, actor: StoredActor): void {
    const { cells, scheduler, supervisor, aliases, effects, persistence } = this.#parts
    cells.add(cell)
    if (!cell.isAlive) {
      // Those of a failed one are there for its resurrection.
      for (const timer of actor.timers) cell.timers.set(timer.id, { ...timer, cancel: () => {} })
      return cells.ended(cell)
    }
    aliases.enter(cell)
    scheduler.held(() => {
      if (actor.status === 'starting') return supervisor.begin(cell)
      effects.goOn(cell, actor)
      scheduler.add(cell)
    })
    // A read brings it back, too, and nothing may follow. After its timers: those that are overdue come before it may rest.
    persistence.used(cell)
  }

  #damaged(path: string, error: unknown): Refusal {
    return this.#refused(path, 'damaged', { error })
  }

  /** The bytes stay as they are. */
  #refused(path: string, refusal: Refusal, why: object): Refusal {
    this.#parts.options.log.error({ actor: path, ...why }, `an actor on disk is ${refusal}; its bytes are kept`)
    return refusal
  }
}

/** A volatile one that comes back had been packed, so it may be again. */
function optionsOf({ options }: StoredActor): SpawnOptions {
  return { ...spawnOptions(options), ...(options.durability === 'memory' && { passivate: true }) }
}

/** Nothing is drawn while a state is restored. */
const randomless = (length: number): Uint8Array => new Uint8Array(length)
