import type { LinkRules } from './rules.ts'

/** Senders without a pair that are remembered: some 100 bytes each. */
const REMEMBERED_MAX = 65_536

/**
 * Which life of each sender was the last to speak to this peer, over all links: a holder that was followed by another
 * and does not know it yet is not listened to. Senders that have a pair open are kept, of the others the last ones.
 */
export class Fence {
  readonly #rules: LinkRules
  readonly #open = new Map<string, { incarnation: number; pairs: number }>()
  readonly #remembered = new Map<string, number>()

  constructor(rules: LinkRules) {
    this.#rules = rules
  }

  open(sender: string, incarnation: number): void {
    const known = this.#open.get(sender) ?? { incarnation: this.#remembered.get(sender) ?? 0, pairs: 0 }
    this.#remembered.delete(sender)
    known.pairs += 1
    known.incarnation = Math.max(known.incarnation, incarnation)
    this.#open.set(sender, known)
  }

  close(sender: string): void {
    const known = this.#open.get(sender)
    if (known === undefined) return
    known.pairs -= 1
    if (known.pairs > 0) return
    this.#open.delete(sender)
    this.#remember(sender, known.incarnation)
  }

  /** @param incarnation - of an open pair */
  isStale(sender: string, incarnation: number): boolean {
    return this.#rules.isStale(incarnation, this.#open.get(sender)?.incarnation ?? 0)
  }

  #remember(sender: string, incarnation: number): void {
    this.#remembered.set(sender, incarnation)
    if (this.#remembered.size <= REMEMBERED_MAX) return
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest)
      return
    }
  }
}
