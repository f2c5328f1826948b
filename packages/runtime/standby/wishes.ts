import type { PeerId } from '@brume/ports'
import { HAND_WITHIN_MS } from './limits.ts'
import type { Orders } from './orders.ts'
import type { Placement, PlacementEvent, PlacementRefusal, Wish } from './port.ts'

/** What someone on this peer wants of one actor: one thing at a time. */
export class Wishes {
  readonly #refused: (what: Wish['type'], refusal: PlacementRefusal) => void
  #wish: Wish | null = null
  #sinceMs = 0

  /** @param refused - told of what will not be */
  constructor(refused: (what: Wish['type'], refusal: PlacementRefusal) => void) {
    this.#refused = refused
  }

  get isOpen(): boolean {
    return this.#wish !== null
  }

  get place(): (Wish & { readonly type: 'place' }) | null {
    return this.#wish?.type === 'place' ? this.#wish : null
  }

  begin(wish: Wish, nowMs: number): void {
    this.#wish = wish
    this.#sinceMs = nowMs
  }

  /** It came to it, or is not wanted any more. */
  end(): void {
    this.#wish = null
  }

  /** Only who holds it could have done that. */
  ceased(): void {
    if (this.#wish?.type !== 'place') this.#wish = null
  }

  /** The group has refused such an order. */
  refuse(type: PlacementEvent['type'], refusal: PlacementRefusal): void {
    const wish = this.#wish
    if (wish === null || wish.type !== type) return
    this.#wish = null
    this.#refused(wish.type, refusal)
  }

  /** Who wanted to place it has it, or another one has. */
  placed(isHere: boolean): void {
    if (this.#wish?.type !== 'place') return
    this.#wish = null
    if (!isHere) this.#refused('place', 'taken')
  }

  /** Of what is held here. A hand waits a while for what is under way. */
  settle(orders: Orders, placement: Placement, isIdle: boolean, nowMs: number): void {
    const wish = this.#wish
    if (wish?.type === 'remove') return orders.remove(placement)
    if (wish?.type !== 'hand') return
    if (!isIdle && nowMs - this.#sinceMs < HAND_WITHIN_MS) return
    const to: PeerId | undefined = wish.to ?? placement.inSync[0]
    if (to !== undefined && placement.inSync.includes(to)) return orders.hand(placement, to, wish.stays)
    this.refuse('hand', 'invalid')
  }
}
