import type { OutPair } from './out-pair.ts'
import { Queue } from './queue.ts'

/** Whose turn it is to send: pairs with a message that may leave, round and round, and those that wait out a refusal. */
export class Turns {
  readonly #ready = new Queue<OutPair>()
  readonly #paused = new Set<OutPair>()

  get first(): OutPair | undefined {
    return this.#ready.at(0)
  }

  /** When the next pause ends, ms; undefined: none is paused. */
  get pauseEndsMs(): number | undefined {
    let least: number | undefined
    for (const { pausedUntilMs } of this.#paused) least = Math.min(least ?? pausedUntilMs, pausedUntilMs)
    return least
  }

  /** Lines up at the end, where it has something to send and does not stand there already. */
  add(pair: OutPair): void {
    if (pair.isReady || pair.next === undefined || this.#paused.has(pair)) return
    pair.isReady = true
    this.#ready.push(pair)
  }

  /** Its turn is over. */
  leave(first: OutPair): void {
    this.#ready.shift()
    first.isReady = false
  }

  pause(first: OutPair): void {
    this.leave(first)
    this.#paused.add(first)
  }

  /** Pairs whose pause is over line up again. */
  resume(nowMs: number): void {
    for (const pair of this.#paused) {
      if (pair.pausedUntilMs > nowMs) continue
      this.#paused.delete(pair)
      this.add(pair)
    }
  }

  forget(pair: OutPair): void {
    this.#paused.delete(pair)
  }

  endPauses(): void {
    this.#paused.clear()
  }
}
