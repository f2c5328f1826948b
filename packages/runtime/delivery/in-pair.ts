import type { Refusal } from '../kernel/port.ts'
import type { Sender } from './incoming.ts'
import { Queue } from './queue.ts'

/** A message that was taken and is on its way through a mailbox. */
export interface Taken {
  readonly seq: number
  readonly bytes: number
  readonly ask: number
  /** The watermark it found. */
  readonly before: number
  isDone: boolean
  isAnswered: boolean
}

/** Messages of one sender to one receiver, seen from the receiver. */
export class InPair {
  readonly number: number
  readonly textLength: number
  /** Asked again as long as it says `overload`. */
  readonly speaker: () => Sender | Refusal
  /** Who speaks, or why nobody may. */
  from: Sender | Refusal = 'overload'
  readonly incarnation: number
  readonly to: string
  /** Watermark: all up to it were taken. */
  received = 0
  /** All up to it are processed and durable, or refused for good. */
  committed = 0
  /** Was told to go back, and has not yet. */
  isRefusing = false
  isDirty = false
  isOpen = true
  /** The receiver lives elsewhere, and the sender was told: what comes is not for here. */
  hasMoved = false
  readonly #taken = new Queue<Taken>()

  constructor(number: number, textLength: number, speaker: InPair['speaker'], incarnation: number, to: string) {
    this.number = number
    this.textLength = textLength
    this.speaker = speaker
    this.incarnation = incarnation
    this.to = to
  }

  take(seq: number, bytes: number, ask: number): Taken {
    const taken: Taken = { seq, bytes, ask, before: this.received, isDone: false, isAnswered: false }
    this.received = seq
    this.isRefusing = false
    this.#taken.push(taken)
    return taken
  }

  advance(): void {
    for (let head = this.#taken.at(0); head?.isDone === true; head = this.#taken.at(0)) {
      this.committed = head.seq
      this.#taken.shift()
    }
  }

  /** Undoes that it was taken, and all behind it: the receiver refuses those too. */
  putBack(taken: Taken): void {
    this.received = Math.min(this.received, taken.before)
    this.isRefusing = true
    for (let index = this.#taken.length - 1; index >= 0; index -= 1) {
      if ((this.#taken.at(index)?.seq ?? 0) >= taken.seq) this.#taken.removeAt(index)
    }
    this.advance()
  }
}
