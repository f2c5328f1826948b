import type { Cancel, Clock, Log, Store } from '@brume/ports'
import { Timers } from '../timers.ts'
import { readTimerKey, timerKey } from './keys.ts'
import { DUE_AT_ONCE, TIMER_WINDOW_MS } from './limits.ts'

export interface TimerIndexOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly nowMs: () => number
  readonly read: (key: Uint8Array) => Uint8Array | undefined
  /** An actor's earliest timer is due, and it was not in memory when it was armed. */
  readonly onDue: (id: Uint8Array) => void
}

/**
 * Wakes actors that are not in memory: the next minute of the index on disk is held in a heap, so that an actor with a
 * timer in March costs a key. What is found there is a hint; the key on disk decides when its time has come.
 */
export class TimerIndex {
  readonly #options: TimerIndexOptions
  readonly #timers: Timers
  /** The index has been read up to here. */
  #horizonMs = 0
  /** Some were due and could not be loaded. */
  #hasLate = false
  #isStopped = false
  #nextScan: Cancel | undefined

  constructor(options: TimerIndexOptions) {
    this.#options = options
    this.#timers = new Timers(
      options.clock,
      (run) => run(),
      () => undefined
    )
  }

  /** Nothing is woken before its caller has returned to the event loop. */
  start(): void {
    this.#timers.after(0, () => this.#scanOn())
  }

  /** Wakes what is overdue, and holds what is due within a minute. */
  async #scan(): Promise<void> {
    const { store, nowMs } = this.#options
    const from = timerKey(this.#horizonMs, NO_ID)
    this.#horizonMs = Math.ceil(nowMs() + TIMER_WINDOW_MS)
    this.#nextScan?.()
    this.#nextScan = this.#timers.after(TIMER_WINDOW_MS / 2, () => this.#scanOn())
    let woken = 0
    for await (const [key] of store.entries({ from, to: timerKey(this.#horizonMs, NO_ID) })) {
      if (this.#isStopped) return
      const { dueMs, id } = readTimerKey(key)
      if (dueMs > nowMs()) this.#hold(id, dueMs)
      else this.#wake(id, dueMs)
      if (dueMs <= nowMs() && ++woken % DUE_AT_ONCE === 0) await this.#pause()
    }
  }

  /** Those that were due and could not be loaded may be now; without this they are tried at each reading of the index. */
  retry(): void {
    if (!this.#hasLate) return
    this.#hasLate = false
    this.#timers.after(0, () => this.#scanOn())
  }

  /** An actor with this timer left memory. The key may be on its way to the disk still: a window of margin covers that. */
  left(id: Uint8Array, dueMs: number): void {
    if (dueMs <= this.#options.nowMs()) return this.#late(dueMs)
    if (dueMs < this.#options.nowMs() + 2 * TIMER_WINDOW_MS) this.#hold(id, dueMs)
  }

  stop(): void {
    this.#isStopped = true
    this.#timers.stop()
  }

  /** Held, it would be due at once and fail again. */
  #late(dueMs: number): void {
    this.#hasLate = true
    this.#horizonMs = Math.min(this.#horizonMs, dueMs)
  }

  #scanOn(): void {
    this.#scan().catch((error) => this.#options.log.error({ error }, 'the index of timers cannot be read'))
  }

  #hold(id: Uint8Array, dueMs: number): void {
    this.#timers.after(dueMs - this.#options.nowMs(), () => this.#wake(id, dueMs))
  }

  #wake(id: Uint8Array, dueMs: number): void {
    if (!this.#isStopped && this.#options.read(timerKey(dueMs, id)) !== undefined) this.#options.onDue(id)
  }

  #pause(): Promise<void> {
    return new Promise((resume) => this.#timers.after(0, resume))
  }
}

const NO_ID = new Uint8Array(16)
