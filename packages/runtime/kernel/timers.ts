import type { Cancel, Clock } from '@brume/ports'

/** Below this many cancelled timers in the heap it is not worth rebuilding. */
const CANCELLED_MIN = 1_024

interface Timer {
  readonly dueMs: number
  readonly order: number
  run: (() => void) | null
}

/**
 * All deadlines of a kernel behind one timer of the clock: nothing is armed where nothing waits. Order is
 * (deadline, sequence of arming).
 */
export class Timers {
  readonly #clock: Clock
  readonly #held: (run: () => void) => void
  readonly #late: (ms: number) => void
  #heap: Timer[] = []
  #order = 0
  #cancelled = 0
  #armed: { readonly dueMs: number; readonly cancel: Cancel } | null = null

  /** @param held - runs what expired with the scheduler held, so that no actor is entered twice; `late`: by how much the first was */
  constructor(clock: Clock, held: (run: () => void) => void, late: (ms: number) => void = () => {}) {
    this.#clock = clock
    this.#held = held
    this.#late = late
  }

  after(delayMs: number, run: () => void): Cancel {
    const timer: Timer = { dueMs: this.#clock.now() + Math.max(0, delayMs), order: this.#order++, run }
    push(this.#heap, timer)
    if (this.#heap[0] === timer) this.#arm()
    return () => this.#cancel(timer)
  }

  stop(): void {
    this.#heap = []
    this.#cancelled = 0
    this.#disarm()
  }

  #cancel(timer: Timer): void {
    if (timer.run === null) return
    timer.run = null
    this.#cancelled += 1
    if (this.#cancelled === this.#heap.length) return this.stop()
    if (this.#cancelled > CANCELLED_MIN && this.#cancelled * 2 > this.#heap.length) this.#sweep()
    if (this.#heap[0] === timer) this.#arm()
  }

  #sweep(): void {
    const living = this.#heap.filter(({ run }) => run !== null)
    this.#heap = []
    this.#cancelled = 0
    for (const timer of living) push(this.#heap, timer)
  }

  #arm(): void {
    const first = this.#first()
    if (first === undefined) return this.#disarm()
    if (this.#armed !== null && this.#armed.dueMs <= first.dueMs) return
    this.#disarm()
    const delayMs = Math.max(0, first.dueMs - this.#clock.now())
    this.#armed = { dueMs: first.dueMs, cancel: this.#clock.after(delayMs, () => this.#expired()) }
  }

  #disarm(): void {
    this.#armed?.cancel()
    this.#armed = null
  }

  #expired(): void {
    this.#armed = null
    const nowMs = this.#clock.now()
    const due = this.#first()
    if (due !== undefined && due.dueMs <= nowMs) this.#late(nowMs - due.dueMs)
    this.#held(() => {
      for (let first = this.#first(); first !== undefined && first.dueMs <= nowMs; first = this.#first()) {
        pop(this.#heap)
        const { run } = first
        first.run = null
        run?.()
      }
    })
    this.#arm()
  }

  /** The earliest that still waits. */
  #first(): Timer | undefined {
    while (this.#heap.length > 0 && this.#heap[0]?.run === null) {
      pop(this.#heap)
      this.#cancelled -= 1
    }
    return this.#heap[0]
  }
}

const isEarlier = (a: Timer, b: Timer): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)

function push(heap: Timer[], timer: Timer): void {
  let at = heap.length
  heap.push(timer)
  while (at > 0) {
    const up = (at - 1) >> 1
    const above = heap[up]
    if (above === undefined || !isEarlier(timer, above)) break
    heap[at] = above
    at = up
  }
  heap[at] = timer
}

function pop(heap: Timer[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    const right = left + 1
    const [a, b] = [heap[left], heap[right]]
    const down = b !== undefined && a !== undefined && isEarlier(b, a) ? right : left
    const below = heap[down]
    if (below === undefined || !isEarlier(below, last)) break
    heap[at] = below
    at = down
  }
  heap[at] = last
}
