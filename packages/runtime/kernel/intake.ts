import { decode } from '@brume/codec'
import type { Event } from '../logic/port.ts'
import type { Cell } from './cell.ts'
import type { Mail, Receipt } from './mailbox.ts'
import type { Parts } from './parts.ts'
import type { Inbound, Inbox, Refusal } from './port.ts'

/** Larger payloads travel by content id. */
export const EVENT_BYTES_MAX = 65_536
const DEPTH_MAX = 32
const ITEMS_MAX = 10_000
/** After which a sender may try again; it doubles it by itself. */
const RETRY_MS = 50

/** Messages of other peers: decoded, checked, and put into mailboxes like any other. Never throws. */
export class Intake {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  receive(message: Inbound, inbox: Inbox): void {
    const event = decodeEvent(message.event)
    if (event === null) return inbox.refused('invalid', 0)
    const { places, door } = this.#parts
    const found = door.find(places.find(message.to))
    if (typeof found === 'string') return this.#refuse(inbox, found, message.to, message, event)
    const checked = door.check(found, event, message.from)
    if (checked === null) return inbox.refused('invalid', 0)
    this.#put(found, checked, message, inbox)
  }

  #put(cell: Cell, event: Event, message: Inbound, inbox: Inbox): void {
    const { options, outputs, asks, door } = this.#parts
    const ask = message.ask ? asks.open({ replied: (value) => inbox.replied(value) }) : null
    const receipt: Receipt = {
      processed: (_seq, batch) => outputs.release(batch, () => inbox.committed()),
      refused: (code) => {
        if (ask !== null) asks.close(ask)
        if (code !== 'unreachable') inbox.refused(code, code === 'full' ? RETRY_MS : 0)
      }
    }
    const expiresMs = options.clock.now() + message.ttlMs
    const bytes = message.event.length
    const mail: Mail = {
      event,
      from: message.from,
      rank: 'user',
      batch: 0,
      ask,
      bytes,
      expiresMs,
      receipt,
      timer: null
    }
    const outcome = door.take(cell, mail)
    if (outcome !== 'accepted') receipt.refused(outcome === 'waits' ? 'full' : outcome)
  }

  #refuse(inbox: Inbox, code: Refusal, to: string, { from }: Inbound, event: Event): void {
    this.#parts.door.refuse(code, to, { event, from })
    inbox.refused(code, 0)
  }
}

function decodeEvent(bytes: Uint8Array): Event | null {
  try {
    const value = decode(bytes, { bytesMax: EVENT_BYTES_MAX, depthMax: DEPTH_MAX, itemsMax: ITEMS_MAX })
    return typeof value === 'object' && value !== null && 'type' in value ? (value as Event) : null
  } catch {
    return null
  }
}
