import { withoutIncarnation } from '../address.ts'
import type { Event, Json } from '../logic/port.ts'
import type { Cell, Mark } from './cell.ts'
import type { Mail, Receipt } from './mailbox.ts'
import type { Parts } from './parts.ts'
import type { Place } from './places.ts'
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
    const { door, persistence, departures } = this.#parts
    const place = this.#placeOf(message.to)
    if (place === 'full') return refuse(inbox, 'full')
    const found = place === null ? 'invalid' : door.find(place)
    if (found === 'moved') return inbox.moved(persistence.movedTo(place?.path ?? '') ?? message.to)
    if (typeof found === 'string') return refuse(inbox, found)
    // Until it is known where it lives, its senders keep what they have for it.
    if (departures.isLeaving(found)) return refuse(inbox, 'full')
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

  /** `full`: it is not known yet whether it lives here. */
  #placeOf(to: string): Place | 'full' | null {
    const { places, arrivals } = this.#parts
    try {
      const place = places.find(to)
      if (arrivals.isExpected(place.isHere ? place.path : withoutIncarnation(to))) return 'full'
      if (!place.isHere) return this.#adopted(to, place)
      return place.path.startsWith('sys/') ? null : place
    } catch {
      return null
    }
  }

  /** An address that an actor here had elsewhere: that life goes on under a number of this peer's. */
  #adopted(to: string, { incarnation }: Place): Place | null {
    const { arrivals, places } = this.#parts
    const former = arrivals.former(to)
    if (former === undefined) return null
    const meant = incarnation === former.incarnation ? former.here : NOBODY
    const { path } = former
    return { isHere: true, authority: places.self, path, incarnation: incarnation === null ? null : meant }
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
  #isNext(cell: Cell, { from, to, durable }: Inbound, inbox: Inbox): boolean {
    if (durable === null) return true
    const { name, incarnation } = senderOf(from)
    const pair = this.#pairOf(name, to)
    const mark = this.#markOf(cell, pair)
    if (incarnation < mark.incarnation) return refused(inbox, 'stale')
    const at = incarnation === mark.incarnation ? mark.seq : 0
    if (durable.prev > at) {
      inbox.refused('gap', 0, at)
      return false
    }
    if (durable.seq > at) return true
    this.#repeated(cell, pair, durable.seq, inbox)
    return false
  }

  /** One that was processed is acknowledged again; one that waits is so when its time comes. */
  #repeated(cell: Cell, { key }: Pair, seq: number, inbox: Inbox): void {
    const waiting = cell.unprocessed.get(`${seq} ${key}`)
    if (waiting !== undefined) waiting.push(inbox)
    else this.#parts.outputs.release(cell.batch, () => inbox.committed())
  }

  #markOf(cell: Cell, { key, as, name }: Pair): Mark {
    return cell.taken.get(key) ?? this.#parts.persistence.of(cell)?.watermark(as ?? cell.path, name) ?? NO_MARK
  }

  /** A sender counts by the address it speaks to: one that knows an actor by two has two orders. */
  #pairOf(name: string, to: string): Pair {
    if (this.#parts.places.find(to).isHere) return { name, as: null, key: name }
    const as = withoutIncarnation(to)
    return { name, as, key: `${name} ${as}` }
  }

  #put(cell: Cell, event: Event, message: Inbound, inbox: Inbox): void {
    const { options, asks, door } = this.#parts
    const { key, from, ttlMs } = message
    const ask = message.ask ? asks.open({ key, replied: (value: Json) => inbox.replied(value) }) : null
    const { name, incarnation } = senderOf(from)
    const pair = message.durable === null ? null : this.#pairOf(name, message.to)
    const mark = message.durable === null || pair === null ? null : { pair, incarnation, seq: message.durable.seq }
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
          if (code !== 'unreachable') for (const inbox of inboxes) this.#refuse(cell, inbox, code)
        }
        this.#parts.outputs.release(cell.batch, tell)
      }
    }
  }

  #refuse(cell: Cell, inbox: Inbox, code: Refusal): void {
    const moved = code === 'moved' ? this.#parts.persistence.movedTo(cell.path) : null
    if (moved === null) refuse(inbox, code)
    else inbox.moved(moved)
  }

  #remember(cell: Cell, { pair, incarnation, seq }: Passed, inboxes: Inbox[]): void {
    cell.taken.delete(pair.key)
    cell.taken.set(pair.key, { incarnation, seq })
    cell.unprocessed.set(`${seq} ${pair.key}`, inboxes)
    if (cell.taken.size <= SENDERS_MAX) return
    for (const oldest of cell.taken.keys()) return void cell.taken.delete(oldest)
  }

  /** In the batch in which it was processed, or lost. */
  #passed(cell: Cell, { pair, incarnation, seq }: Passed): void {
    cell.unprocessed.delete(`${seq} ${pair.key}`)
    const durable = this.#parts.persistence.of(cell)
    if (durable === null) return
    durable.putWatermark(pair.as ?? cell.path, pair.name, incarnation, seq)
    cell.batch = durable.open
  }
}

/** A sender, and what it takes the actor for. */
interface Pair {
  /** Address without incarnation. */
  readonly name: string
  /** The actor's address at another peer; null: its own. */
  readonly as: string | null
  readonly key: string
}

interface Passed extends Mark {
  readonly pair: Pair
}

/** Senders whose marks one actor keeps at hand; of durable actors the rest are on disk. */
const SENDERS_MAX = 4_096
/** No incarnation: what was meant is over. */
const NOBODY = -1
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
