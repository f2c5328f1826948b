import type { Cancel, Clock } from '@brume/ports'
import type { Cell } from './cell.ts'

/** One cell's share before the next has its turn. */
const EVENTS_PER_CELL_TURN = 64
/** Then sockets are read: at 2 to 20 µs an event, some 10 ms. Counted, not timed, so that simulated runs repeat. */
const EVENTS_PER_LOOP_TURN = 1_024

/**
 * Cells with waiting events, first come first served. Adding to an idle queue runs it at once; adding from within
 * an actor only queues, so that no actor is entered twice and the stack stays flat.
 */
export class RunQueue {
  readonly #clock: Clock
  readonly #ready: Cell[] = []
  #running = false
  #yielded: Cancel | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(cell: Cell): void {
    if (cell.queued || cell.mailbox.length === 0 || cell.status !== 'active') return
    cell.queued = true
    this.#ready.push(cell)
    if (!this.#running && !this.#yielded) this.run(() => {})
  }

  /** Runs `first` with the queue held, then the queue. */
  run(first: () => void): void {
    if (this.#running) return first()
    this.#running = true
    try {
      first()
      if (!this.#yielded) this.#drain()
    } finally {
      this.#running = false
    }
  }

  stop(): void {
    this.#yielded?.()
    this.#yielded = undefined
    this.#ready.length = 0
  }

  #drain(): void {
    let budget = EVENTS_PER_LOOP_TURN
    for (let cell = this.#ready.shift(); cell; cell = this.#ready.shift()) {
      cell.queued = false
      budget -= this.#turn(cell, Math.min(budget, EVENTS_PER_CELL_TURN))
      this.add(cell)
      if (budget <= 0 && this.#ready.length > 0) return this.#yield()
    }
  }

  #turn(cell: Cell, eventsMax: number): number {
    let handled = 0
    while (handled < eventsMax && cell.status === 'active') {
      const event = cell.mailbox.take()
      if (!event) break
      handled += 1
      cell.deliver(event)
    }
    return handled
  }

  #yield(): void {
    this.#yielded = this.#clock.after(0, () => {
      this.#yielded = undefined
      this.run(() => {})
    })
  }
}
