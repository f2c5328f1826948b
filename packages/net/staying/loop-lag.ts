import { monitorEventLoopDelay } from 'node:perf_hooks'

/** At 10 ms the monitor alone costs more than everything else an idle node does; 100 ms is a tenth of that. */
const RESOLUTION_MS = 100
/** Beyond the resolution, below this: the timer's own grain. */
const GRAIN_MS = 10
const NANOSECONDS_PER_MS = 1e6
/**
 * Lateness of a one-second tick below this is no stall: a busy host is always a little late, and adding
 * that up would keep dead peers alive. The clock itself delays a tick by up to a second after a stall.
 */
const STALL_MS_MIN = 1_000
/** A stall this long means that the machine slept: the network may be another one. */
const SLEPT_MS = 5_000

/** How late this node's event loop runs: the longest delay of the last seconds, and all stalls in sum. */
export class LoopLag {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #stalledMs = 0
  #recentMs = 0
  #previousMs = 0
  #ticks = 0

  start(): void {
    this.#histogram.enable()
  }

  stop(): void {
    this.#histogram.disable()
  }

  /** Sum of all stalls so far, milliseconds. */
  get stalledMs(): number {
    return this.#stalledMs
  }

  /** Longest delay of the last 5 to 10 s, milliseconds. */
  get recentMs(): number {
    return Math.max(this.#recentMs, this.#previousMs, this.#now())
  }

  /** Called once a second with how late the call came. True when the machine seems to have slept. */
  tick(lateMs: number): boolean {
    if (lateMs > STALL_MS_MIN) this.#stalledMs += lateMs
    this.#recentMs = Math.max(this.#recentMs, this.#now(), lateMs > STALL_MS_MIN ? lateMs : 0)
    this.#histogram.reset()
    this.#ticks += 1
    if (this.#ticks % 5 === 0) {
      this.#previousMs = this.#recentMs
      this.#recentMs = 0
    }
    return lateMs > SLEPT_MS
  }

  #now(): number {
    const maxMs = this.#histogram.max / NANOSECONDS_PER_MS
    return maxMs > RESOLUTION_MS + GRAIN_MS ? maxMs - RESOLUTION_MS : 0
  }
}
