import type { Cancel, Clock } from '@brume/ports'
import type { Epoch } from '../epoch.ts'

/** How long each member leaves it to the one before to publish a finalization. */
const TURN_MS = 50

/** At most four a second in a group, always the newest. */
const GAP_MS = 250

export interface HeraldsOptions {
  readonly clock: Clock
  /** Is anybody there who hears of finality only so? */
  readonly isWanted: (epoch: Epoch) => boolean
  readonly hasHeard: (epoch: Epoch, view: number) => boolean
  readonly publish: (epoch: Epoch) => void
}

/**
 * Who tells those outside what is final: after the leader of the view one member after the other, unless somebody
 * has. What is newer by then is told instead.
 */
export class Heralds {
  readonly #options: HeraldsOptions
  #cancel: Cancel | null = null
  #newest: Epoch | null = null
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(options: HeraldsOptions) {
    this.#options = options
  }

  finalized(epoch: Epoch): void {
    this.#newest = epoch
    if (this.#cancel === null && epoch.self !== null) this.#wait(epoch)
  }

  /** Somebody told. */
  heard(): void {
    this.#toldMs = this.#options.clock.now()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  #wait(epoch: Epoch): void {
    const { clock } = this.#options
    const { view } = epoch.engine.state.final
    const { members } = epoch.committee
    const turn = ((epoch.self ?? 0) - epoch.leaderOf(view) + members.length) % members.length
    const pauseMs = Math.max(0, this.#toldMs + GAP_MS - clock.now())
    this.#cancel = clock.after(pauseMs + TURN_MS * turn, () => this.#turn(epoch, view))
  }

  #turn(awaited: Epoch, view: number): void {
    this.#cancel = null
    const { hasHeard, isWanted, publish } = this.#options
    const newest = this.#newest
    if (newest === null || newest.self === null || !isWanted(newest)) return
    const { final } = newest.engine.state
    if (hasHeard(newest, final.view)) return
    // The one that was waited for was told; a newer one has its own turns.
    if (hasHeard(awaited, view)) return this.#wait(newest)
    this.heard()
    publish(newest)
  }
}
