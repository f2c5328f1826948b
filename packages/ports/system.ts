import { randomFillSync } from 'node:crypto'
import type { Cancel, Clock } from './clock.ts'
import type { Random } from './random.ts'

/** setTimeout takes a signed 32-bit count of milliseconds; a longer wait is made of several. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1
/** How often the loop is probed while a timer is armed: a stall between two probes goes unseen. At this pace it is 15 % of an idle peer's CPU. */
const PROBE_MS = 100
/** Lateness below this is the timer's own grain and no stall. */
const LAG_MS_MIN = 10

/** Sum of the times in which the event loop did not come to expired timers. Runs only while someone listens. */
class LagMeter {
  #totalMs = 0
  #listeners = 0
  #seenUntilMs = 0
  #probe: NodeJS.Timeout | undefined

  get totalMs(): number {
    return this.#totalMs
  }

  enter(): void {
    this.#listeners += 1
    if (this.#listeners === 1) this.#arm()
  }

  leave(): void {
    this.#listeners -= 1
    if (this.#listeners === 0) clearTimeout(this.#probe)
  }

  /** A timer due at `dueMs` ran only now. Stalls seen through several timers count once. */
  late(dueMs: number): void {
    const nowMs = performance.now()
    const lagMs = nowMs - Math.max(dueMs, this.#seenUntilMs)
    if (lagMs < LAG_MS_MIN) return
    this.#totalMs += lagMs
    this.#seenUntilMs = nowMs
  }

  #arm(): void {
    const dueMs = performance.now() + PROBE_MS
    this.#probe = setTimeout(() => {
      this.late(dueMs)
      this.#arm()
    }, PROBE_MS).unref()
  }
}

const lag = new LagMeter()

/** One armed timer: waits, grows by the loop's lag, lets two turns of input pass, then runs. */
class SystemTimer {
  readonly #run: () => void
  readonly #delayMs: number
  readonly #armedMs = performance.now()
  readonly #lagBeforeMs = lag.totalMs
  #timeout: NodeJS.Timeout | undefined
  #ended = false

  constructor(delayMs: number, run: () => void) {
    this.#run = run
    this.#delayMs = Math.max(0, delayMs)
    lag.enter()
    this.#wait(this.#armedMs + this.#delayMs)
  }

  readonly cancel: Cancel = () => {
    if (this.#ended) return
    clearTimeout(this.#timeout)
    this.#end()
  }

  #wait(dueMs: number): void {
    const restMs = Math.ceil(dueMs - performance.now())
    this.#timeout = setTimeout(() => this.#expired(dueMs), Math.min(Math.max(restMs, 0), TIMEOUT_MS_MAX))
  }

  #expired(dueMs: number): void {
    lag.late(dueMs)
    // At most doubled, so that a loop which is always late still has timeouts.
    const grownMs = Math.min(lag.totalMs - this.#lagBeforeMs, this.#delayMs)
    const deadlineMs = this.#armedMs + this.#delayMs + grownMs
    if (performance.now() < deadlineMs) this.#wait(deadlineMs)
    else setImmediate(() => setImmediate(() => this.#fire()))
  }

  #fire(): void {
    if (this.#ended) return
    this.#end()
    this.#run()
  }

  #end(): void {
    this.#ended = true
    lag.leave()
  }
}

/**
 * The machine's own time. `after` fires two turns of the event loop after its timer, when sockets
 * that had data by then have been read, and later by as much as the loop stalled in between (at
 * most twice the delay). An armed timer keeps the process alive; whoever stops cancels it.
 */
export const systemClock = (): Clock => ({
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (delayMs, run) => new SystemTimer(delayMs, run).cancel,
  turn: (run) => void setImmediate(run)
})

/** The machine's own randomness: the operating system's source for bytes, the engine's for jitter. */
export const systemRandom = (): Random => ({
  bytes: (length) => randomFillSync(new Uint8Array(length)),
  float: () => Math.random()
})
