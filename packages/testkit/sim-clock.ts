import type { Cancel, Clock } from '@brume/ports'
import { Heap } from './heap.ts'

interface Entry {
  readonly timeUs: number
  readonly sequence: number
  run: (() => void) | undefined
}

export interface SimClockOptions {
  /** Wall time at virtual time 0, milliseconds since 1970. Default 2026-01-01. */
  readonly wallMs?: number
}

/** 2026-01-01T00:00:00Z, so that nothing depends on the day a test runs. */
const WALL_MS = 1_767_225_600_000

/**
 * Virtual time in integer microseconds. Nothing happens unless someone steps; each step takes the
 * one event that is next by (time, order of arming) and moves time to it, never past another's.
 */
export class SimClock implements Clock {
  readonly #events = new Heap<Entry>(isEarlier)
  #nowUs = 0
  #sequence = 0
  #wallOffsetMs: number
  #cancelled = 0

  constructor(options: SimClockOptions = {}) {
    this.#wallOffsetMs = options.wallMs ?? WALL_MS
  }

  get nowUs(): number {
    return this.#nowUs
  }

  /** Events that are still to come. */
  get size(): number {
    return this.#events.size - this.#cancelled
  }

  now(): number {
    return this.#nowUs / 1_000
  }

  wall(): number {
    return this.#wallOffsetMs + this.#nowUs / 1_000
  }

  /** Sets the wall clock off by so much; the monotonic clock does not notice. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms
  }

  after(delayMs: number, run: () => void): Cancel {
    return this.at(this.#nowUs + Math.ceil(Math.max(0, delayMs) * 1_000), run)
  }

  /** As `after`, at a virtual time in microseconds; one in the past runs at the present. */
  at(timeUs: number, run: () => void): Cancel {
    const entry: Entry = { timeUs: Math.max(timeUs, this.#nowUs), sequence: this.#sequence++, run }
    this.#events.push(entry)
    return () => {
      if (entry.run === undefined) return
      entry.run = undefined
      this.#cancelled += 1
    }
  }

  /** Time of the next event in microseconds, undefined where none is left. */
  nextUs(): number | undefined {
    this.#dropCancelled()
    return this.#events.peek()?.timeUs
  }

  /** Runs the next event; false where none is left. */
  step(): boolean {
    this.#dropCancelled()
    const entry = this.#events.pop()
    if (entry?.run === undefined) return false
    this.#nowUs = entry.timeUs
    const run = entry.run
    entry.run = undefined
    run()
    return true
  }

  /** Runs every event up to and at `timeUs`, those that come to be on the way too, and leaves time there. */
  runUntil(timeUs: number): void {
    for (let next = this.nextUs(); next !== undefined && next <= timeUs; next = this.nextUs()) this.step()
    this.#nowUs = Math.max(this.#nowUs, timeUs)
  }

  /** As `runUntil`, by milliseconds from now. */
  run(ms: number): void {
    this.runUntil(this.#nowUs + Math.round(ms * 1_000))
  }

  /**
   * Steps until `condition` holds, letting promises settle between steps; false when virtual time
   * has passed by `limitMs` or no event is left.
   */
  async until(condition: () => boolean, limitMs = 60_000): Promise<boolean> {
    const limitUs = this.#nowUs + limitMs * 1_000
    for (;;) {
      await settle()
      if (condition()) return true
      const next = this.nextUs()
      if (next === undefined || next > limitUs) return false
      this.step()
    }
  }

  /** As `run`, letting promises settle between steps. */
  async pass(ms: number): Promise<void> {
    const endUs = this.#nowUs + Math.round(ms * 1_000)
    await settle()
    for (let next = this.nextUs(); next !== undefined && next <= endUs; next = this.nextUs()) {
      this.step()
      await settle()
    }
    this.#nowUs = Math.max(this.#nowUs, endUs)
  }

  #dropCancelled(): void {
    for (let first = this.#events.peek(); first !== undefined && first.run === undefined; first = this.#events.peek()) {
      this.#events.pop()
      this.#cancelled -= 1
    }
  }
}

export interface NodeClockOptions {
  /** How far the node's clocks are ahead at virtual time 0, milliseconds; of the wall clock only. Default 0. */
  readonly offsetMs?: number
  /** How much faster both run, parts per million. Default 0. */
  readonly driftPpm?: number
}

/**
 * One node's view of a simulated clock: with an offset and a drift of its own, and with timers that
 * all end when the node does.
 */
export class NodeClock implements Clock {
  readonly #clock: SimClock
  readonly #rate: number
  readonly #timers = new Set<Cancel>()
  #offsetMs: number
  #isStopped = false
  /** Timers that came due while the event loop stands still. */
  #due: (() => void)[] | undefined

  constructor(clock: SimClock, options: NodeClockOptions = {}) {
    this.#clock = clock
    this.#rate = 1 + (options.driftPpm ?? 0) / 1_000_000
    this.#offsetMs = options.offsetMs ?? 0
  }

  now(): number {
    return this.#clock.now() * this.#rate
  }

  wall(): number {
    return this.#clock.wall() + this.#clock.now() * (this.#rate - 1) + this.#offsetMs
  }

  /** Sets the wall clock off by so much more. */
  jumpWall(ms: number): void {
    this.#offsetMs += ms
  }

  after(delayMs: number, run: () => void): Cancel {
    if (this.#isStopped) return () => undefined
    let isOver = false
    const cancel = this.#clock.after(delayMs / this.#rate, () => {
      this.#timers.delete(cancel)
      if (this.#due === undefined) run()
      else this.#due.push(() => isOver || run())
    })
    this.#timers.add(cancel)
    return () => {
      isOver = true
      this.#timers.delete(cancel)
      cancel()
    }
  }

  /** The node's event loop stands still: timers wait, and run in their order when it goes on. */
  stall(ms: number): void {
    if (this.#isStopped || this.#due !== undefined) return
    this.#due = []
    this.#clock.after(ms, () => {
      const due = this.#due ?? []
      this.#due = undefined
      for (const run of due) if (!this.#isStopped) run()
    })
  }

  /** The node is gone: none of its timers runs any more, nor any it arms from now on. */
  stop(): void {
    this.#isStopped = true
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
  }
}

const isEarlier = (a: Entry, b: Entry): boolean =>
  a.timeUs < b.timeUs || (a.timeUs === b.timeUs && a.sequence < b.sequence)

/** Two turns: all promise jobs, and what they put at the end of a turn. Real time, of no virtual length. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
}
