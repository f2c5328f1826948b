import type { EventObject } from 'xstate'

/** Far above what a healthy actor leaves waiting; at 1 KiB an event a full mailbox is 1 MiB. */
export const MAILBOX_EVENTS_MAX = 1_024

interface Waiting {
  readonly event: EventObject
  readonly control: boolean
}

/** Events in order of arrival. Control events share the order and not the bound. */
export class Mailbox {
  readonly #waiting: Waiting[] = []
  #bounded = 0

  get length(): number {
    return this.#waiting.length
  }

  /** False when full: the event is not taken. Control events are always taken. */
  put(event: EventObject, control: boolean): boolean {
    if (!control && this.#bounded >= MAILBOX_EVENTS_MAX) return false
    if (!control) this.#bounded += 1
    this.#waiting.push({ event, control })
    return true
  }

  take(): EventObject | undefined {
    const next = this.#waiting.shift()
    if (next && !next.control) this.#bounded -= 1
    return next?.event
  }

  /** Empties it; how many events were lost. */
  clear(): number {
    const lost = this.#waiting.length
    this.#waiting.length = 0
    this.#bounded = 0
    return lost
  }
}
