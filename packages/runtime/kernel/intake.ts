import type { Event, Json } from '../logic/port.ts'
import type { Cell, Mark } from './cell.ts'
import type { Mail, Receipt } from './mailbox.ts'
import type { Parts } from './parts.ts'
import type { Inbound, Inbox, Refusal } from './port.ts'

/** After which a sender may try again; it doubles it by itself. */
const RETRY_MS = 50
const AGAIN: ReadonlySet<Refusal> = new Set(['full', 'overload'])

/** Messages of other peers: checked, kept apart from repetitions, and put into mailboxes like any other. Never throws. */
export class Intake {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  receive(message: Inbound, inbox: Inbox): void {
    const { door, persistence } = this.#parts
    const place = this.#placeOf(message.to)
    const found = place === null ? 'invalid' : door.find(place)
    if (typeof found === 'string') return refuse(inbox, found)
    if (this.#isAnswered(found, message, inbox) || !this.#isNext(found, message, inbox)) return
    if (persistence.isOverloaded) return refuse(inbox, 'overload')
    const admission = found.boundary.remote(message.event, message.peer)
    if ('event' in admission) return this.#put(found, admission.event, message, inbox)
    this.#parts.options.log.debug(
      { actor: found.path, peer: message.peer, reason: admission.reason },
      'an event was refused'
    )
    door.refuse(admission.refusal, found.self, { event: NONE, from: message.from })
    refuse(inbox, admission.refusal)
  }

  #placeOf(to: string) {
    try {
      const place = this.#parts.places.find(to)
      return place.isHere && !place.path.startsWith('sys/') ? place : null
    } catch {
      return null
    }
  }

  /** The key was used before: what was answered then is the answer. */
  #isAnswered(cell: Cell, { key, ask }: Inbound, inbox: Inbox): boolean {
    const stored = key === null ? undefined : this.#parts.persistence.of(cell)?.reply(cell.path, key)
    if (stored === undefined) return false
    this.#parts.outputs.release(cell.batch, () => {
      inbox.committed()
      if (ask) inbox.replied(stored.value)
    })
    return true
  }

  /** Of a durable sender: neither a repetition nor ahead of one that is missing. */
  #isNext(cell: Cell, { from, durable }: Inbound, inbox: Inbox): boolean {
    if (durable === null) return true
    const { name, incarnation } = senderOf(from)
    const mark = this.#markOf(cell, name)
    if (incarnation < mark.incarnation) return refused(inbox, 'stale')
    const at = incarnation === mark.incarnation ? mark.seq : 0
    if (durable.prev > at) return refused(inbox, 'gap')
    if (durable.seq > at) return true
    this.#repeated(cell, name, durable.seq, inbox)
    return false
  }

  /** One that was processed is acknowledged again; one that waits is so when its time comes. */
  #repeated(cell: Cell, name: string, seq: number, inbox: Inbox): void {
    const waiting = cell.unprocessed.get(`${seq} ${name}`)
    if (waiting !== undefined) waiting.push(inbox)
    else this.#parts.outputs.release(cell.batch, () => inbox.committed())
  }

  #markOf(cell: Cell, sender: string): Mark {
    return cell.taken.get(sender) ?? this.#parts.persistence.of(cell)?.watermark(cell.path, sender) ?? NO_MARK
  }

  #put(cell: Cell, event: Event, message: Inbound, inbox: Inbox): void {
    const { options, asks, door } = this.#parts
    const { key, from, ttlMs } = message
    const ask = message.ask ? asks.open({ key, replied: (value: Json) => inbox.replied(value) }) : null
    const mark = message.durable === null ? null : { ...senderOf(from), seq: message.durable.seq }
    const inboxes = [inbox]
    const receipt = this.#receipt(cell, ask, inboxes)
    const mail: Mail = {
      ...{ event, from, rank: 'user', batch: 0, ask, bytes: message.event.length, receipt, key, timer: null },
      expiresMs: options.clock.now() + ttlMs,
      consumed: mark === null ? null : () => this.#passed(cell, mark)
    }
    const outcome = door.take(cell, mail)
    if (outcome !== 'accepted') {
      if (ask !== null) asks.close(ask)
      // At once, though its batch is open: until it is told, delivery lets the next message of this sender pass it.
      return refuse(inbox, outcome === 'waits' ? 'full' : outcome)
    }
    if (mark === null || !cell.isAlive) return
    this.#remember(cell, mark, inboxes)
  }

  #receipt(cell: Cell, ask: string | null, inboxes: readonly Inbox[]): Receipt {
    return {
      processed: (_seq, batch) => {
        this.#parts.outputs.release(batch, () => {
          for (const inbox of inboxes) inbox.committed()
        })
      },
      refused: (code) => {
        if (ask !== null) this.#parts.asks.close(ask)
        const tell = (): void => {
          if (code !== 'unreachable') for (const inbox of inboxes) refuse(inbox, code)
        }
        this.#parts.outputs.release(cell.batch, tell)
      }
    }
  }

  #remember(cell: Cell, { name, incarnation, seq }: Passed, inboxes: Inbox[]): void {
    cell.taken.delete(name)
    cell.taken.set(name, { incarnation, seq })
    cell.unprocessed.set(`${seq} ${name}`, inboxes)
    if (cell.taken.size <= SENDERS_MAX) return
    for (const oldest of cell.taken.keys()) return void cell.taken.delete(oldest)
  }

  /** In the batch in which it was processed, or lost. */
  #passed(cell: Cell, { name, incarnation, seq }: Passed): void {
    cell.unprocessed.delete(`${seq} ${name}`)
    const durable = this.#parts.persistence.of(cell)
    if (durable === null) return
    durable.putWatermark(cell.path, name, incarnation, seq)
    cell.batch = durable.open
  }
}

interface Passed extends Mark {
  /** Address without incarnation. */
  readonly name: string
}

/** Senders whose marks one actor keeps at hand; of durable actors the rest are on disk. */
const SENDERS_MAX = 4_096
const NO_MARK: Mark = { incarnation: 0, seq: 0 }
const NONE: Event = { type: 'refused' }

function senderOf(from: string): { readonly name: string; readonly incarnation: number } {
  const hash = from.indexOf('#')
  if (hash === -1) return { name: from, incarnation: 0 }
  return { name: from.slice(0, hash), incarnation: Number(from.slice(hash + 1)) }
}

function refuse(inbox: Inbox, code: Refusal): void {
  inbox.refused(code, AGAIN.has(code) ? RETRY_MS : 0)
}

function refused(inbox: Inbox, code: Refusal): false {
  refuse(inbox, code)
  return false
}
