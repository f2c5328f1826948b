import type { Event } from '../logic/port.ts'
import type { Cell } from './cell.ts'
import type { Durable, OutboxEntry } from './durable/port.ts'
import type { Parts } from './parts.ts'
import type { Outbound, Refusal } from './port.ts'

/** A durable send may wait so long for its target. */
export const DURABLE_TTL_MS = 86_400_000
/** Then a line that was full, or a peer that was not reachable, is tried again. */
const AGAIN_MS = 1_000

type Entry = OutboxEntry & { readonly seq: number }

/** One pair of sender and target: its entries, in order, that the way to other peers has not taken. */
interface Line {
  readonly path: string
  readonly incarnation: number
  readonly waiting: Entry[]
}

/**
 * What durable actors send: it is on disk with the step that sent it, until whoever it is for has it on disk.
 * Entries of one sender to one target leave in order.
 */
export class Outgoing {
  readonly #parts: Parts
  readonly #durable: Durable | null
  readonly #lines = new Map<string, Line>()
  /** Handed on in this life of the peer, by sender and number. */
  readonly #handed = new Set<string>()
  /** Senders with entries from before the restart, for targets that cannot be loaded yet. */
  readonly #old = new Set<string>()

  constructor(parts: Parts, durable: Durable | null) {
    this.#parts = parts
    this.#durable = durable
  }

  /** To another peer or group. */
  send(cell: Cell, target: string, event: Event): void {
    const durable = this.#parts.persistence.of(cell)
    if (durable === null) return this.#parts.remotes.send(cell, target, event)
    const seq = cell.outNext++
    const prev = cell.outstanding.get(target) ?? 0
    cell.outstanding.set(target, seq)
    const expiresMs = Math.ceil(durable.nowMs() + DURABLE_TTL_MS)
    const entry: OutboxEntry = { kind: 'mail', target, prev, body: event, expiresMs }
    durable.putOutbox(cell.path, seq, entry)
    const { path, incarnation } = cell
    this.#parts.outputs.release(cell.batch, () => this.#dispatch(path, incarnation, { ...entry, seq }))
  }

  /** What an actor here sent to one that moved from here, and that one did not process. */
  redirect(path: string, before: string, target: string): void {
    const durable = this.#durable
    if (durable === null) return
    const incarnation = this.#incarnationOf(durable, path)
    for (const entry of durable.outbox(path)) {
      if (entry.kind === 'mail' && entry.target === before) this.#reroute(durable, path, incarnation, entry, target)
    }
  }

  /** Its numbers are used elsewhere from now on, and may come back. */
  forget(path: string): void {
    for (const key of [...this.#handed]) if (key.startsWith(`${path} `)) this.#handed.delete(key)
  }

  #reroute(durable: Durable, path: string, incarnation: number, entry: Entry, target: string): void {
    const cell = this.#parts.cells.get(path)
    const rerouted: Entry = { ...entry, target, prev: cell?.outstanding.get(target) ?? 0 }
    cell?.outstanding.set(target, entry.seq)
    durable.putOutbox(path, entry.seq, rerouted)
    this.#parts.outputs.release(durable.open, () => this.#dispatch(path, incarnation, rerouted))
  }

  /** Of the actors at these paths: what the last life of the peer left. */
  recover(paths: readonly string[]): void {
    for (const path of paths) this.#old.add(path)
    this.resume()
  }

  /** Kinds came: more targets can be loaded. */
  resume(): void {
    for (const path of [...this.#old]) if (this.#recoverOne(path)) this.#old.delete(path)
  }

  /** True where all has been handed on. */
  #recoverOne(path: string): boolean {
    const durable = this.#durable
    if (durable === null) return true
    const incarnation = this.#incarnationOf(durable, path)
    let isDone = true
    for (const entry of durable.outbox(path)) {
      const key = `${path} ${entry.seq}`
      if (this.#handed.has(key)) continue
      if (this.#recoverEntry(durable, path, incarnation, entry)) this.#handed.add(key)
      else isDone = false
    }
    return isDone
  }

  #recoverEntry(durable: Durable, path: string, incarnation: number, entry: Entry): boolean {
    const { places, door, runs, persistence } = this.#parts
    if (entry.kind === 'run') {
      const cell = persistence.owner(path)
      if (cell !== undefined) runs.recover(cell, entry)
      return cell !== undefined
    }
    const place = places.find(entry.target)
    if (!place.isHere) this.#dispatch(path, incarnation, entry)
    const found = place.isHere ? door.find(place) : null
    if (found === null) return true
    if (found === 'moved') {
      this.#reroute(durable, path, incarnation, entry, persistence.movedTo(place.path) ?? entry.target)
      return true
    }
    if (found === 'unmigrated') return false
    const consumed = (): void => durable.dropOutbox(path, entry.seq)
    if (typeof found === 'string') {
      door.refuse(found, entry.target, { event: entry.body as Event, from: places.address(path) })
      consumed()
    } else if (entry.kind === 'control') door.own(found, entry.body as Event, 0, { consumed })
    else door.recovered(found, entry.body as Event, places.address(path, incarnation), consumed)
    return true
  }

  #incarnationOf(durable: Durable, path: string): number {
    const living = this.#parts.cells.get(path)
    if (living !== undefined) return living.incarnation
    const loaded = durable.load(path)
    if (loaded?.kind === 'actor') {
      durable.release(path)
      return loaded.actor.incarnation
    }
    return durable.tombstone(path)?.incarnation ?? 0
  }

  #dispatch(path: string, incarnation: number, entry: Entry): void {
    const key = `${path} ${entry.target}`
    const line = this.#lines.get(key)
    if (line !== undefined) return void line.waiting.push(entry)
    if (this.#try(path, incarnation, entry)) return
    this.#lines.set(key, { path, incarnation, waiting: [entry] })
    this.#parts.timers.after(AGAIN_MS, () => this.#again(key))
  }

  #again(key: string): void {
    const line = this.#lines.get(key)
    if (line === undefined) return
    for (let first = line.waiting[0]; first !== undefined; first = line.waiting[0]) {
      if (!this.#try(line.path, line.incarnation, first)) {
        this.#parts.timers.after(AGAIN_MS, () => this.#again(key))
        return
      }
      line.waiting.shift()
    }
    this.#lines.delete(key)
  }

  /** False where there is no room on the way. */
  #try(path: string, incarnation: number, entry: Entry): boolean {
    const { seq, prev, target, body, expiresMs } = entry
    const ttlMs = expiresMs - (this.#durable?.nowMs() ?? 0)
    if (ttlMs <= 0) {
      this.#refused(path, incarnation, entry, 'expired')
      return true
    }
    const message: Outbound = {
      ...{ from: path, incarnation, to: target, event: body as Event, ask: false, key: null, ttlMs },
      durable: { seq, prev },
      committed: () => this.#settle(path, entry),
      refused: (code) => this.#refused(path, incarnation, entry, code)
    }
    return this.#parts.remotes.dispatch(message) === 'accepted'
  }

  #refused(path: string, incarnation: number, entry: Entry, code: Refusal | 'unreachable'): void {
    if (code === 'unreachable') {
      this.#parts.timers.after(AGAIN_MS, () => this.#dispatch(path, incarnation, entry))
      return
    }
    this.#parts.letters.add(code, entry.target, this.#parts.places.address(path, incarnation), entry.body as Event)
    this.#settle(path, entry)
  }

  #settle(path: string, { seq, target }: Entry): void {
    this.#parts.scheduler.held(() => {
      const cell = this.#parts.cells.get(path)
      if (cell?.outstanding.get(target) === seq) cell.outstanding.delete(target)
      this.#durable?.dropOutbox(path, seq)
    })
  }
}
