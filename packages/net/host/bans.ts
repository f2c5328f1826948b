import type { Clock, PeerId } from '@brume/ports'

/** More bans at once than a fog has enemies; the one that ends first makes room. */
const BANS_MAX = 10_000

/** Peers that may not connect for a while. In memory: after a restart their conduct counts anew. */
export class Bans {
  readonly #clock: Clock
  readonly #untilMs = new Map<PeerId, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(peer: PeerId, forMs: number): void {
    const untilMs = this.#clock.now() + forMs
    this.#untilMs.set(peer, Math.max(untilMs, this.#untilMs.get(peer) ?? 0))
    if (this.#untilMs.size > BANS_MAX) this.#makeRoom()
  }

  has(peer: PeerId): boolean {
    const untilMs = this.#untilMs.get(peer)
    if (untilMs === undefined) return false
    if (untilMs > this.#clock.now()) return true
    this.#untilMs.delete(peer)
    return false
  }

  #makeRoom(): void {
    let first: [PeerId, number] | undefined
    for (const entry of this.#untilMs) {
      if (first === undefined || entry[1] < first[1]) first = entry
    }
    if (first !== undefined) this.#untilMs.delete(first[0])
  }
}
