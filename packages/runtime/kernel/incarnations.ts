import type { Clock } from '@brume/ports'

/** Spawns and restarts of one boot: an incarnation is boot x 2^21 + number. */
const PER_BOOT = 2 ** 21

/**
 * Numbers for incarnations, each greater than all before, over restarts too: by the store's boot counter, or without
 * a store by the seconds of the wall clock, which a restarted peer finds further on.
 */
export class Incarnations {
  #next: number

  constructor(clock: Clock) {
    this.#next = Math.floor(clock.wall() / 1_000) * PER_BOOT
  }

  /** The first of this boot; nobody's own. */
  get boot(): number {
    return this.#next - (this.#next % PER_BOOT)
  }

  next(): number {
    this.#next += 1
    return this.#next
  }
}
