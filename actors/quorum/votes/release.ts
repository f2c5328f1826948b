import type { Journal } from '@brume/ports'

/**
 * One journal for several groups: a record goes only when no group needs it or any before it. Groups say
 * what they no longer need each for itself, and their records lie mixed in the same segments.
 */
export class SharedJournal {
  readonly #journal: Journal
  /** By group, the first sequence it still needs. */
  readonly #needed = new Map<string, number>()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  /** The journal as one group sees it. Until it has released anything, it needs everything. */
  of(group: string): Journal {
    const journal = this.#journal
    this.#needed.set(group, 0)
    return {
      verdict: journal.verdict,
      since: journal.since,
      cutAt: journal.cutAt,
      replay: () => journal.replay(),
      append: (kind, payload, synced) => journal.append(kind, payload, synced),
      release: (sequence) => this.#release(group, sequence),
      syncP95Ms: () => journal.syncP95Ms(),
      close: async () => {}
    }
  }

  #release(group: string, sequence: number): void {
    this.#needed.set(group, Math.max(this.#needed.get(group) ?? 0, sequence))
    this.#journal.release(Math.min(...this.#needed.values()))
  }
}
