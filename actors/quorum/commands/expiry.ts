import type { Cancel, Clock } from '@brume/ports'
import type { Pool } from './pool.ts'

/** Looking through a whole pool takes up to a millisecond. */
const LEAST_MS = 1_000

/**
 * Commands that wait for others of their session are no work, so no view ends and no other timer runs: this one
 * finds those that have expired.
 */
export class Expiry {
  readonly #clock: Clock
  readonly #expired: () => void
  #cancel: Cancel | null = null

  /** @param expired - called when the first of them has */
  constructor(clock: Clock, expired: () => void) {
    this.#clock = clock
    this.#expired = expired
  }

  watch(pool: Pool): void {
    this.stop()
    if (pool.size === 0 || pool.isPending) return
    const leftMs = pool.firstExpiryMs - this.#clock.wall() + 1
    this.#cancel = this.#clock.after(Math.max(LEAST_MS, leftMs), () => {
      this.#expired()
      if (this.#cancel !== null) this.watch(pool)
    })
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }
}
