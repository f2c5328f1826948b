import type { Cancel, Clock } from '@brume/ports'

/** One actor's share before the next has its turn. */
const EVENTS_PER_TURN = 64
/** Then sockets are read. */
const SLICE_MS = 8
/** Ends a slice where time stands still: under a simulated clock an actor that keeps itself busy would never let go. */
const EVENTS_PER_SLICE = 4_096
/** Places that an empty queue keeps. */
const KEPT_MAX = 64

/** What has turns: handles up to so many events, and says how many. `queued` is the scheduler's. */
export interface Runnable {
  queued: boolean
  turn(eventsMax: number): number
  /** It can be given another turn. */
  readonly isReady: boolean
}

/**
 * Whose turn it is: first come, first served. Adding to an idle scheduler runs it at once; adding from within an
 * actor only queues, so that no actor is entered twice and the stack stays flat.
 */
export class Scheduler {
  readonly #clock: Clock
  readonly #turned: () => void
  #ready: (Runnable | undefined)[] = []
  #head = 0
  /** Behind the last: places from here on are empty, and kept for those to come. */
  #tail = 0
  #running = false
  #stopped = false
  #yielded: Cancel | null = null

  /** @param turned - called whenever all that waited has had its turn */
  constructor(clock: Clock, turned: () => void) {
    this.#clock = clock
    this.#turned = turned
  }

  add(runnable: Runnable): void {
    if (this.#stopped || runnable.queued || !runnable.isReady) return
    runnable.queued = true
    this.#ready[this.#tail++] = runnable
    if (!this.#running && this.#yielded === null) this.#run()
  }

  /** Runs `first` with the queue held, then the queue. */
  readonly held = (first: () => void): void => {
    if (this.#running) return first()
    this.#running = true
    try {
      first()
    } finally {
      this.#running = false
    }
    if (this.#yielded === null && this.#head < this.#tail) this.#run()
    else this.#turned()
  }

  /** Nobody has a turn any more; what is held is still run. */
  stop(): void {
    this.#stopped = true
    this.#yielded?.()
    this.#yielded = null
    this.#ready = []
    this.#head = 0
    this.#tail = 0
  }

  #run(): void {
    this.#running = true
    try {
      this.#drain()
    } finally {
      this.#running = false
    }
    this.#turned()
  }

  #drain(): void {
    let left = EVENTS_PER_SLICE
    // Most often one actor handles one event: it is not worth a look at the clock.
    let untilMs: number | null = null
    for (let next = this.#shift(); next !== undefined; next = this.#shift()) {
      next.queued = false
      left -= Math.max(1, next.turn(Math.min(left, EVENTS_PER_TURN)))
      this.add(next)
      if (this.#head === this.#tail) continue
      untilMs ??= this.#clock.now() + SLICE_MS
      if (left <= 0 || this.#clock.now() >= untilMs) return this.#yield()
    }
  }

  #shift(): Runnable | undefined {
    if (this.#head === this.#tail) {
      if (this.#tail > KEPT_MAX) this.#ready.length = 0
      this.#head = 0
      this.#tail = 0
      return undefined
    }
    const next = this.#ready[this.#head]
    this.#ready[this.#head++] = undefined
    return next
  }

  #yield(): void {
    this.#ready = this.#ready.slice(this.#head, this.#tail)
    this.#tail -= this.#head
    this.#head = 0
    let isOver = false
    const again = (): void => {
      if (isOver) return
      this.#yielded = null
      if (!this.#running) this.#run()
    }
    this.#yielded = () => {
      isOver = true
    }
    if (this.#clock.turn !== undefined) this.#clock.turn(again)
    else this.#yielded = this.#clock.after(0, again)
  }
}
