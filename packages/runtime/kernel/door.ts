import type { Event } from '../logic/port.ts'
import type { Cell } from './cell.ts'
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
    const cell = this.#parts.cells.get(place.path) ?? this.#parts.persistence.activate(place.path)
    if (typeof cell === 'string') return cell
    if (place.incarnation !== null && place.incarnation !== cell.incarnation) return 'stale'
    return cell
  }

  /** An event of this peer as it is delivered, or why it is not; the refused one is a dead letter. */
  check(cell: Cell, event: Event, from: string | null): { readonly event: Event } | Refusal {
    const admission = cell.boundary.local(event)
    if ('event' in admission) return admission
    return this.refuse(admission.refusal, cell.self, { event, from })
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
  own(cell: Cell, event: Event, batch: number, more: Partial<Pick<Mail, 'timer' | 'consumed'>> = {}): void {
    if (!cell.isAlive) return more.consumed?.()
    const { timer = null, consumed = null } = more
    cell.mailbox.put({ ...OWN, event, batch, timer, consumed })
    this.#parts.scheduler.add(cell)
  }

  /** From one actor here to another; what is refused has been told by a dead letter. */
  fromActor(from: Cell, to: Cell, event: Event, consumed: (() => void) | null): void {
    const isKin = from.origin?.parent === to || to.origin?.parent === from
    const checked = isKin ? { event } : this.check(to, event, from.self)
    if (typeof checked === 'string') return consumed?.()
    const mail: Mail = {
      ...OWN,
      rank: 'user',
      event: checked.event,
      from: from.self,
      batch: from.batch,
      consumed,
      timer: null
    }
    if (this.take(to, mail) !== 'accepted') consumed?.()
  }

  /** What XState says of a child to its parent. */
  toParent(child: Cell, parent: Cell, event: Event): void {
    const consumed = this.#parts.persistence.handover(child, parent, 'control', event)
    this.own(parent, event, child.batch, { consumed })
  }

  /** What was on its way when the peer went down. */
  recovered(to: Cell, event: Event, from: string, consumed: () => void): void {
    if (this.take(to, { ...OWN, rank: 'user', event, from, batch: 0, consumed, timer: null }) !== 'accepted') consumed()
  }

  refuse(reason: Refusal, to: string, mail: Pick<Mail, 'event' | 'from'>): Refusal {
    this.#parts.letters.add(reason, to, mail.from, mail.event)
    return reason
  }

  /** An event that had been taken. */
  lost(cell: Cell, mail: Mail, reason: Refusal, error?: unknown): void {
    this.#parts.letters.add(reason, cell.self, mail.from, mail.event, error)
    mail.consumed?.()
    mail.receipt?.refused(reason)
  }
}

const OWN = {
  from: null,
  rank: 'own',
  ask: null,
  bytes: 0,
  expiresMs: Number.POSITIVE_INFINITY,
  receipt: null,
  key: null,
  consumed: null
} as const
