import {
  judge,
  type Placement,
  type PlacementEvent,
  type PlacementReply,
  type PlacementRules
} from '@brume/runtime/standby'
import type { SimClock, SimRandom } from '@brume/testkit'
import type { Plan } from './plan.ts'

/** A placement group in one piece: orders take time, answers are lost, and at times nobody reaches it. */
export class PlacementGroup {
  #placement: Placement | null = null
  #floor = 0
  readonly #clock: SimClock
  readonly #random: SimRandom
  readonly #plan: Plan
  readonly #rules: PlacementRules
  /** Those that are cut off from it. */
  readonly cut = new Set<string>()

  constructor(clock: SimClock, random: SimRandom, plan: Plan, rules: PlacementRules) {
    this.#clock = clock
    this.#random = random
    this.#plan = plan
    this.#rules = rules
  }

  get placement(): Placement | null {
    return this.#placement
  }

  order(peer: string, event: PlacementEvent, told: (reply: PlacementReply | null) => void): void {
    const isLost = !this.#isReached(peer) || this.#random.float() < this.#plan.lostAnswers
    // What was sent before the cut may be ordered after it.
    const arrives = this.#isReached(peer) || this.#random.below(8) === 0
    const takesMs = this.#takesMs() * (arrives && isLost ? 8 : 1)
    if (isLost) this.#clock.after(5_000, () => told(null))
    if (!arrives) return
    this.#clock.after(takesMs, () => {
      const reply = this.#apply(peer, event)
      if (!isLost) this.#clock.after(this.#takesMs() / 4, () => told(reply))
    })
  }

  look(peer: string, told: (placement: Placement | null | undefined) => void): void {
    if (!this.#isReached(peer)) return void this.#clock.after(5_000, () => told(undefined))
    this.#clock.after(this.#takesMs() / 2, () => {
      const placement = this.#placement
      this.#clock.after(this.#takesMs() / 2, () => told(placement))
    })
  }

  #apply(peer: string, event: PlacementEvent): PlacementReply {
    const verdict = judge({ placement: this.#placement, floor: this.#floor }, event, peer, this.#rules)
    if (typeof verdict === 'string') return { refused: verdict, placement: this.#placement }
    if (verdict.next === null) this.#floor = Math.max(this.#floor, this.#placement?.epoch ?? 0)
    this.#placement = verdict.next
    return { refused: null, placement: this.#placement }
  }

  #isReached(peer: string): boolean {
    const nowMs = this.#clock.now()
    return !this.cut.has(peer) && !this.#plan.outages.some(([fromMs, toMs]) => nowMs >= fromMs && nowMs < toMs)
  }

  #takesMs(): number {
    return this.#plan.orderMs * (0.5 + this.#random.float())
  }
}
