import type { PeerId } from '@brume/ports'
import type { Beacons } from './beacons.ts'
import { RESEND_MS } from './limits.ts'
import type { Placement } from './port.ts'
import type { ShippingRules } from './rules.ts'

/**
 * Peers that may hold an actor without knowing that they do not any more. Until they are known to know, they get no
 * answers on which they could rest reads, and for as long as old answers last nobody else begins.
 */
export class Unaware {
  readonly #peers = new Set<PeerId>()
  #warnedMs = Number.NEGATIVE_INFINITY

  has(peer: PeerId): boolean {
    return this.#peers.has(peer)
  }

  add(peer: PeerId): void {
    this.#peers.add(peer)
  }

  delete(peer: PeerId): void {
    this.#peers.delete(peer)
  }

  clear(): void {
    this.#peers.clear()
  }

  /**
   * This peer has become the holder.
   *
   * @param before - as it was known here
   * @param wroteEpoch - under which this peer's copy was written
   */
  suspect(self: PeerId, before: Placement | null, placement: Placement, wroteEpoch: number | undefined): void {
    const isNext = before?.epoch === placement.epoch - 1
    const wasHere = wroteEpoch === placement.epoch || (isNext && before?.holder === self)
    if (wasHere || placement.version === 1) return
    const suspects = isNext ? [before.holder] : placement.copies
    for (const peer of suspects) if (peer !== self) this.#peers.add(peer)
  }

  /** Does none of them answer reads any more? */
  isClear(beacons: Beacons, rules: ShippingRules, nowMs: number): boolean {
    return [...this.#peers].every((peer) => rules.mayAsk(beacons.unansweredMs(peer, nowMs)))
  }

  /** Those that are to be told now. */
  toWarn(nowMs: number): readonly PeerId[] {
    if (nowMs - this.#warnedMs < RESEND_MS) return []
    this.#warnedMs = nowMs
    return [...this.#peers]
  }
}
