import type { Cancel } from '@brume/ports'
import type { Cell } from './cell.ts'
import type { StoredActor } from './durable/port.ts'
import { decodeRecord, encodeRecord } from './durable/record.ts'
import { Slabs } from './durable/slabs.ts'
import type { Parts } from './parts.ts'
import type { SpawnOptions } from './port.ts'
import { recordOf } from './records.ts'

/** Volatile actors out of memory: their records, packed, and what cannot be packed of them. They end with the process. */
export class Packed {
  readonly #parts: Parts
  readonly #due: (path: string) => void
  readonly #slabs = new Slabs()
  /** Of those whose options are not what most have. */
  readonly #options = new Map<string, SpawnOptions>()
  readonly #alarms = new Map<string, Cancel>()

  /** @param due - one of its timers is */
  constructor(parts: Parts, due: (path: string) => void) {
    this.#parts = parts
    this.#due = due
  }

  get size(): number {
    return this.#slabs.size
  }

  put(cell: Cell): void {
    const { path } = cell
    const record = recordOf(cell)
    this.#slabs.put(path, encodeRecord(record))
    if (cell.options.onFailed !== undefined || typeof cell.options.allow === 'function') {
      this.#options.set(path, cell.options)
    }
    const dueMs = Math.min(...record.timers.map((timer) => timer.dueMs))
    if (dueMs === Number.POSITIVE_INFINITY) return
    const { timers, options } = this.#parts
    this.#alarms.set(
      path,
      timers.after(dueMs - options.clock.wall(), () => this.#due(path))
    )
  }

  take(path: string): StoredActor | undefined {
    const bytes = this.#slabs.get(path)
    if (bytes === undefined) return undefined
    this.#slabs.delete(path)
    this.#alarms.get(path)?.()
    this.#alarms.delete(path)
    return decodeRecord(bytes)
  }

  /** Of one that was taken, where its record does not say them. */
  options(path: string): SpawnOptions | undefined {
    const options = this.#options.get(path)
    this.#options.delete(path)
    return options
  }
}
