import { actorId } from '../../address.ts'
import type { StoredActor } from './port.ts'

/** What the index keys on disk say of an actor in memory, so that a change of them needs no read. */
export interface Resident {
  readonly path: string
  readonly id: Uint8Array
  /** Its record on disk, or in a batch that was closed; null: none yet. */
  stored: Stored | null
  /** It left memory, and its last record is not closed yet. */
  isLeaving: boolean
}

export interface Stored {
  readonly incarnation: number
  readonly seq: number
  readonly dueMs: number | null
  readonly wake: boolean
}

/** The earliest of its timers; null: it has none. */
export function dueOf(actor: StoredActor): number | null {
  let due: number | null = null
  for (const { dueMs } of actor.timers) if (due === null || dueMs < due) due = dueMs
  return due === null ? null : Math.ceil(due)
}

/** It must be known at the start: for its own sake, or because its timers move while the peer is down. */
export const mustWake = (actor: StoredActor): boolean =>
  actor.wake || (actor.timers.length > 0 && actor.options.resume !== 'deadline')

export const storedOf = (actor: StoredActor): Stored => ({
  incarnation: actor.incarnation,
  seq: actor.seq,
  dueMs: dueOf(actor),
  wake: mustWake(actor)
})

/** Actors in memory, by path. */
export class Residents {
  readonly #authority: string
  readonly #residents = new Map<string, Resident>()

  constructor(authority: string) {
    this.#authority = authority
  }

  get(path: string): Resident | undefined {
    return this.#residents.get(path)
  }

  /** As `get`; where it is new, nothing of it is taken to be on disk. */
  of(path: string, id?: Uint8Array): Resident {
    const known = this.#residents.get(path)
    if (known !== undefined) return known
    const resident: Resident = { path, id: id ?? this.idOf(path), stored: null, isLeaving: false }
    this.#residents.set(path, resident)
    return resident
  }

  /** Of a path here, or of an address anywhere. */
  idOf(path: string): Uint8Array {
    if (path.startsWith('brume://')) return actorId(path)
    return this.#residents.get(path)?.id ?? actorId(`brume://${this.#authority}/${path}`)
  }

  delete(path: string): void {
    this.#residents.delete(path)
  }
}

/** @returns the path of an address of this peer */
export const pathOf = (address: string): string => address.slice(address.indexOf('/', 'brume://'.length) + 1)
