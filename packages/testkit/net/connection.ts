import type { Link, PeerId } from '@brume/ports'
import type { SimClock } from '../sim-clock.ts'
import type { Pipe } from './pipe.ts'
import type { SimNode } from './sim-node.ts'

/** Two peers connected: a pipe each way, until it ends for both at once. */
export class Connection {
  readonly sinceMs: number
  readonly #clock: SimClock
  readonly #ends: readonly [SimNode, SimNode]
  readonly #pipes: readonly [Pipe, Pipe]
  #isOpen = true

  /** `dialer` to `listener`, with the pipes in that direction and back. */
  constructor(clock: SimClock, dialer: SimNode, listener: SimNode, there: Pipe, back: Pipe) {
    this.sinceMs = clock.now()
    this.#clock = clock
    this.#ends = [dialer, listener]
    this.#pipes = [there, back]
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  other(self: PeerId): SimNode {
    return this.#ends[0].self === self ? this.#ends[1] : this.#ends[0]
  }

  /** The pipe on which `self` sends. */
  outgoing(self: PeerId): Pipe {
    return this.#ends[0].self === self ? this.#pipes[0] : this.#pipes[1]
  }

  link(self: PeerId): Link {
    const other = this.other(self)
    const rttMs = this.#pipes[0].settings.delayMs + this.#pipes[1].settings.delayMs
    const measured = this.#clock.now() - this.sinceMs > rttMs ? rttMs : undefined
    return {
      peer: other.self,
      direction: this.#ends[0].self === self ? 'outbound' : 'inbound',
      address: other.addresses()[0] ?? '',
      sinceMs: this.sinceMs,
      rttMs: measured,
      rttMinMs: measured,
      lagMs: 0,
      slow: false
    }
  }

  end(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    for (const pipe of this.#pipes) pipe.reset()
    const [a, b] = this.#ends
    a.linkDown(this, b.self)
    b.linkDown(this, a.self)
  }
}
