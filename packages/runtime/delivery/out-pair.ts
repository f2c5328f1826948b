import type { Held } from './held.ts'
import { DELTA_MAX } from './messages.ts'
import { Queue } from './queue.ts'

/** Messages of one sender to one receiver, in order. The first `sent` of the queue are with the other side. */
export class OutPair {
  readonly key: string
  readonly from: string
  readonly to: string
  readonly queue = new Queue<Held>()
  /** Of the life that speaks now; another one gets another number, once this one's messages are settled. */
  incarnation: number
  /** On the wire; 0: not yet given. */
  number = 0
  sent = 0
  lastSeq = 0
  /** Highest that was ever sent under this number. */
  toldSeq = 0
  /** The other side has all up to this in a mailbox. */
  queuedSeq = 0
  pausedUntilMs = 0
  pauseMs = 0
  usedMs: number
  /** Waits for its turn to send. */
  isReady = false
  /** Asks that were delivered and not answered. */
  waiting = 0

  constructor(key: string, from: string, incarnation: number, to: string, nowMs: number) {
    this.key = key
    this.from = from
    this.incarnation = incarnation
    this.to = to
    this.usedMs = nowMs
  }

  /** What is to leave next. */
  get next(): Held | undefined {
    return this.queue.at(this.sent)
  }

  get isIdle(): boolean {
    return this.queue.length === 0 && this.waiting === 0
  }

  /** Highest seq that is with the other side. */
  get sentSeq(): number {
    return this.sent === 0 ? 0 : (this.queue.at(this.sent - 1)?.seq ?? 0)
  }

  /** Distance of `next` to what is unsettled before it; undefined: too far, it waits for that one. */
  delta({ seq }: Held): number | undefined {
    const before = this.sentSeq
    if (before === 0) return 0
    return seq - before > DELTA_MAX ? undefined : seq - before
  }

  /** Must `next` wait until all before it are settled? */
  holdsBack(next: Held): boolean {
    return this.sent > 0 && (next.source.incarnation !== this.incarnation || this.delta(next) === undefined)
  }

  /** Takes one out of the queue, wherever it is. */
  take(index: number): Held | undefined {
    if (index < this.sent) this.sent -= 1
    return this.queue.removeAt(index)
  }

  /** Where a message is that the other side may speak of: sent on this stream or an earlier one; -1: nowhere. */
  indexOf(seq: number): number {
    for (let index = 0; this.queue.at(index)?.wasSent === true; index += 1) {
      if (this.queue.at(index)?.seq === seq) return index
    }
    return -1
  }
}
