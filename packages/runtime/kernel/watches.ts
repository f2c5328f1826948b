import type { Cancel } from '@brume/ports'
import type { Event, Json } from '../logic/port.ts'
import type { Cell } from './cell.ts'
import type { Outputs } from './outputs.ts'
import type { Down, DownReason, Remote, Snapshot } from './port.ts'

interface Watch {
  /** Null: whoever lives there, one after the other. */
  readonly incarnation: number | null
  readonly down: (down: Down) => void
  /** The last incarnation that was told of: each is told of once. */
  told: number | null
  leave: Cancel
}

interface Listener {
  readonly type: string
  readonly emitted: (event: Event) => void
  leave: Cancel
}

interface Follower {
  readonly changed: (snapshot: Snapshot) => void
  leave: Cancel
}

/** Those who want to know of actors here: their ends, what they emit, every change. */
export class Watches {
  readonly #outputs: Outputs
  readonly #watches = new Map<string, Set<Watch>>()
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #followers = new Map<string, Set<Follower>>()

  constructor(outputs: Outputs) {
    this.#outputs = outputs
  }

  watch(path: string, incarnation: number | null, down: (down: Down) => void): Cancel {
    const watch: Watch = { incarnation, down, told: null, leave: () => {} }
    watch.leave = enter(this.#watches, path, watch)
    return watch.leave
  }

  on(path: string, type: string, emitted: (event: Event) => void): Cancel {
    const listener: Listener = { type, emitted, leave: () => {} }
    listener.leave = enter(this.#listeners, path, listener)
    return () => listener.leave()
  }

  follow(path: string, changed: (snapshot: Snapshot) => void): Cancel {
    const follower: Follower = { changed, leave: () => {} }
    follower.leave = enter(this.#followers, path, follower)
    return () => follower.leave()
  }

  /** It lives elsewhere now: watches are told, and who listens goes on there. */
  moved(cell: Cell, address: string, remote: Remote | undefined): void {
    for (const listener of [...(this.#listeners.get(cell.path) ?? [])]) {
      listener.leave()
      if (remote !== undefined) listener.leave = remote.subscribe(address, listener.type, listener.emitted)
    }
    for (const follower of [...(this.#followers.get(cell.path) ?? [])]) {
      follower.leave()
      if (remote !== undefined) follower.leave = remote.follow(address, follower.changed)
    }
    this.down(cell, 'moved', address)
  }

  /** This incarnation is over. */
  down(cell: Cell, reason: DownReason, output?: Json): void {
    const watches = this.#watches.get(cell.path)
    if (watches === undefined) return
    const { address, incarnation, batch } = cell
    const down: Down = { address, reason, incarnation, ...(output === undefined ? {} : { output }) }
    for (const watch of [...watches]) {
      if (watch.told === incarnation || (watch.incarnation ?? incarnation) !== incarnation) continue
      watch.told = incarnation
      this.#outputs.release(batch, () => {
        if (!watches.has(watch)) return
        if (watch.incarnation !== null) watch.leave()
        watch.down(down)
      })
    }
  }

  emitted(cell: Cell, event: Event): void {
    for (const listener of this.#listeners.get(cell.path) ?? []) {
      if (listener.type === '*' || listener.type === event.type) {
        this.#outputs.release(cell.batch, () => listener.emitted(event))
      }
    }
  }

  changed(cell: Cell, snapshot: () => Snapshot): void {
    const followers = this.#followers.get(cell.path)
    if (followers === undefined) return
    const now = snapshot()
    for (const follower of [...followers]) this.#outputs.release(cell.batch, () => follower.changed(now))
  }

  stop(): void {
    this.#watches.clear()
    this.#listeners.clear()
    this.#followers.clear()
  }
}

/** Of equal functions each is one entry: the same may be given twice and taken back once. */
function enter<T>(table: Map<string, Set<T>>, path: string, entry: T): Cancel {
  const entries = table.get(path) ?? new Set<T>()
  table.set(path, entries)
  entries.add(entry)
  return () => {
    entries.delete(entry)
    if (entries.size === 0 && table.get(path) === entries) table.delete(path)
  }
}
