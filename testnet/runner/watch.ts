import type { EventLine } from './event-line.ts'
import type { TestnetState } from './state.ts'

/** A group under load that finalizes nothing for this long is said to be stalled: about ten views of a lone fault. */
const STALLED_AFTER_MS = 5_000

/** Turns states into the events nobody sends: the mesh is complete, finality stopped, finality goes on. */
export class Watch {
  readonly #events: EventLine
  #meshed = false
  #weights = ''
  #height = 0
  #heightAtMs = 0
  #stalled = false

  constructor(events: EventLine) {
    this.#events = events
  }

  look(state: TestnetState): void {
    if (!this.#meshed && state.meshedMs !== undefined) {
      this.#meshed = true
      this.#events.emit('mesh.complete', undefined, { tookMs: Math.round(state.meshedMs) })
    }
    this.#lookAtWeights(state)
    if (state.group !== undefined) this.#lookAtHeight(state)
  }

  #lookAtWeights(state: TestnetState): void {
    const known = state.peers.filter((peer) => peer.weight !== undefined)
    const weights = known.map((peer) => `${peer.name} ${peer.weight}`).join(', ')
    if (known.length < state.peers.length || weights === this.#weights) return
    this.#weights = weights
    this.#events.emit('group.weights', undefined, { weights })
  }

  #lookAtHeight(state: TestnetState): void {
    if (state.heightMax > this.#height) {
      if (this.#stalled) this.#events.emit('group.resumed', undefined, { height: state.heightMax })
      this.#stalled = false
      this.#height = state.heightMax
      this.#heightAtMs = state.elapsedMs
      return
    }
    const forMs = Math.round(state.elapsedMs - this.#heightAtMs)
    const loaded = state.ratePerS > 0 && this.#height > 0
    if (!loaded || this.#stalled || forMs < STALLED_AFTER_MS) return
    this.#stalled = true
    this.#events.emit('group.stalled', undefined, { forMs, height: this.#height })
  }
}
