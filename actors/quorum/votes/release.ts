import type { Cancel, Journal } from '@brume/ports'

/** Eight segments of the journal: so much may lie behind a group that has nothing to do while others are busy. */
const PINNED_BYTES_MAX = 33_554_432

/** What a record takes beside its payload. */
const RECORD_OVERHEAD_BYTES = 64

/** The journal as one group sees it. */
export interface GroupJournal extends Journal {
  /** Told when much lies behind what this group still needs: it should write that anew and release the rest. */
  onPinned(listener: () => void): Cancel
  /** Nothing in the journal is of use to this group, until it appends again. */
  letGo(): void
}

interface Share {
  /** The first sequence the group still needs; infinite where it needs none. */
  needed: number
  /** Bytes appended by all groups when it last said so, or was told. */
  sinceBytes: number
  readonly pinned: Set<() => void>
}

/**
 * One journal for several groups: a record goes only when no group needs it or any before it. Groups say
 * what they no longer need each for itself, and their records lie mixed in the same segments.
 */
export class SharedJournal {
  readonly #journal: Journal
  readonly #pinnedBytesMax: number
  readonly #shares = new Map<string, Share>()
  #bytes = 0

  constructor(journal: Journal, pinnedBytesMax: number = PINNED_BYTES_MAX) {
    this.#journal = journal
    this.#pinnedBytesMax = pinnedBytesMax
  }

  /** The journal as one group sees it. Until it has released anything, it needs everything. */
  of(group: string): GroupJournal {
    const journal = this.#journal
    const share: Share = { needed: 0, sinceBytes: this.#bytes, pinned: new Set() }
    this.#shares.set(group, share)
    return {
      verdict: journal.verdict,
      since: journal.since,
      cutAt: journal.cutAt,
      replay: () => journal.replay(),
      append: (kind, payload, synced) => this.#append(share, kind, payload, synced),
      release: (sequence) => this.#release(share, sequence),
      syncP95Ms: () => journal.syncP95Ms(),
      close: async () => {},
      letGo: () => this.#release(share, Number.POSITIVE_INFINITY),
      onPinned: (listener) => {
        share.pinned.add(listener)
        return () => share.pinned.delete(listener)
      }
    }
  }

  #append(share: Share, kind: number, payload: Uint8Array, synced?: (error?: Error) => void): number {
    this.#bytes += payload.length + RECORD_OVERHEAD_BYTES
    const sequence = this.#journal.append(kind, payload, synced)
    if (sequence > 0 && share.needed === Number.POSITIVE_INFINITY) share.needed = sequence
    return sequence
  }

  #release(share: Share, sequence: number): void {
    if (share.needed !== Number.POSITIVE_INFINITY) share.needed = Math.max(share.needed, sequence)
    share.sinceBytes = this.#bytes
    const needed = Math.min(...[...this.#shares.values()].map((other) => other.needed))
    if (needed !== Number.POSITIVE_INFINITY) this.#journal.release(needed)
    for (const other of this.#shares.values()) {
      if (this.#bytes - other.sinceBytes < this.#pinnedBytesMax) continue
      // Told once for so many bytes: it may be unable to, and is told again then.
      other.sinceBytes = this.#bytes
      for (const listener of other.pinned) listener()
    }
  }
}
