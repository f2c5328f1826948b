import { plain } from '../logic/plain.ts'
import type { Event } from '../logic/port.ts'
import type { Cell, CellTimer } from './cell.ts'
import type { Mail } from './mailbox.ts'
import type { Parts } from './parts.ts'
import type { Place } from './places.ts'
import type { CellStatus, Refusal } from './port.ts'

/** What those get who write to an ended actor. */
const CLOSED: Partial<Record<CellStatus, Refusal>> = {
  done: 'stopped',
  stopped: 'stopped',
  failed: 'failed',
  damaged: 'damaged',
  unmigrated: 'unmigrated'
}

/** Where events come to an actor of this kernel: taken into its mailbox, or refused and kept as dead letters. */
export class Door {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The actor there, ended or not. */
  find(place: Place): Cell | Refusal {
    const cell = this.#parts.cells.get(place.path)
    if (cell === undefined) return 'noactor'
    if (place.incarnation !== null && place.incarnation !== cell.incarnation) return 'stale'
    return cell
  }

  /** The event as it is delivered; null where it was refused. */
  check(cell: Cell, event: Event, from: string | null): Event | null {
    try {
      if (typeof event.type === 'string' && !RESERVED.test(event.type)) return plain(event) as Event
    } catch {
      // Told below.
    }
    this.refuse('invalid', cell.self, { event, from })
    return null
  }

  /** What is refused is a dead letter. `waits`: it is not, its sender may try again when there is room. */
  take(cell: Cell, mail: Mail): 'accepted' | 'waits' | Refusal {
    if (!cell.isAlive) return this.refuse(CLOSED[cell.status] ?? 'stopped', cell.self, mail)
    const put = cell.mailbox.put(mail)
    if (put.kind === 'full') {
      if (put.waits && mail.receipt !== null) return 'waits'
      cell.overflowed += 1
      return this.refuse('full', cell.self, mail)
    }
    if (put.kind === 'displaced') {
      cell.overflowed += put.mails.length
      for (const oldest of put.mails) this.lost(cell, oldest, 'full')
    }
    this.#parts.scheduler.add(cell)
    return 'accepted'
  }

  /** From the actor's own timers, children, effects and watches: these are never refused. */
  own(cell: Cell, event: Event, batch: number, timer: CellTimer | null = null): void {
    if (!cell.isAlive) return
    cell.mailbox.put({ ...OWN, event, batch, timer })
    this.#parts.scheduler.add(cell)
  }

  /** From one actor here to another; what is refused has been told by a dead letter. */
  fromActor(from: Cell, to: Cell, event: Event): void {
    this.take(to, { ...OWN, rank: 'user', event, from: from.self, batch: from.batch, timer: null })
  }

  refuse(reason: Refusal, to: string, mail: Pick<Mail, 'event' | 'from'>): Refusal {
    this.#parts.letters.add(reason, to, mail.from, mail.event)
    return reason
  }

  /** An event that had been taken. */
  lost(cell: Cell, mail: Mail, reason: Refusal, error?: unknown): void {
    this.#parts.letters.add(reason, cell.self, mail.from, mail.event, error)
    mail.receipt?.refused(reason)
  }
}

/** XState's and brume's own: from outside they could finish or stop a machine. */
const RESERVED = /^(xstate|brume)\./

const OWN = {
  from: null,
  rank: 'own',
  ask: null,
  bytes: 0,
  expiresMs: Number.POSITIVE_INFINITY,
  receipt: null
} as const
