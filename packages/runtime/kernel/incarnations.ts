import type { Clock } from '@brume/ports'

/** Spawns and restarts of one boot: an incarnation is boot x 2^21 + number. */
const PER_BOOT = 2 ** 21

/**
 * Numbers for incarnations, each greater than all before, over restarts too: by the store's boot counter, or without
 * a store by the seconds of the wall clock, which a restarted peer finds further on.
 */
export class Incarnations {
  #first: number
  #used = 0
  #nextBoot: () => number

  constructor(clock: Clock) {
    let boot = Math.floor(clock.wall() / 1_000)
    this.#first = boot * PER_BOOT
    this.#nextBoot = () => {
      boot += 1
      return boot
    }
  }

  /** The first of this boot; nobody's own. */
  get boot(): number {
    return this.#first
  }

  /** The store has counted: from now on by its numbers. */
  begin(boot: number, nextBoot: () => number): void {
    this.#first = boot * PER_BOOT
    this.#used = 0
    this.#nextBoot = nextBoot
  }

  next(): number {
    this.#used += 1
    if (this.#used < PER_BOOT) return this.#first + this.#used
    this.#first = this.#nextBoot() * PER_BOOT
    this.#used = 1
    return this.#first + 1
  }
}
