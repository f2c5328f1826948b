import type { SignedStatement } from './statement.ts'

/** What one member voted in one epoch by its own journal, which lets old records go with the segment they are in. */
export class OwnVotes {
  readonly #isWhole: boolean
  readonly #votes = new Set<string>()
  #lowestView = Number.POSITIVE_INFINITY

  /** @param isWhole - the journal still has its first record */
  constructor(isWhole: boolean) {
    this.#isWhole = isWhole
  }

  add(vote: SignedStatement): void {
    this.#votes.add(nameOf(vote))
    this.#lowestView = Math.min(this.#lowestView, vote.view)
  }

  /** Ought to be here, and is not. A journal without its beginning may begin amid the votes of its lowest view. */
  lacks(vote: SignedStatement): boolean {
    const reaches = this.#isWhole ? vote.view >= this.#lowestView : vote.view > this.#lowestView
    return reaches && !this.#votes.has(nameOf(vote))
  }
}

function nameOf({ kind, view, tail }: SignedStatement): string {
  return `${kind}/${view}/${tail}`
}
