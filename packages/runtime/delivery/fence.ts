import type { LinkRules } from './rules.ts'

/**
 * Which life of each sender was the last to speak to this peer, over all links: a holder that was followed by another
 * and does not know it yet is not listened to. Kept while any pair of the sender is open.
 */
export class Fence {
  readonly #rules: LinkRules
  readonly #senders = new Map<string, { incarnation: number; pairs: number }>()

  constructor(rules: LinkRules) {
    this.#rules = rules
  }

  open(sender: string, incarnation: number): void {
    const known = this.#senders.get(sender)
    if (known === undefined) {
      this.#senders.set(sender, { incarnation, pairs: 1 })
      return
    }
    known.pairs += 1
    known.incarnation = Math.max(known.incarnation, incarnation)
  }

  close(sender: string): void {
    const known = this.#senders.get(sender)
    if (known === undefined) return
    known.pairs -= 1
    if (known.pairs === 0) this.#senders.delete(sender)
  }

  isStale(sender: string, incarnation: number): boolean {
    return this.#rules.isStale(incarnation, this.#senders.get(sender)?.incarnation ?? 0)
  }
}
