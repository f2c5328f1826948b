/** One record as it was read back. */
export interface JournalRecord {
  /** Consecutive from 1. */
  readonly sequence: number
  /** The writer's own record type, u16. */
  readonly kind: number
  readonly payload: Uint8Array
}

/**
 * What opening found. `clean`: every record valid. `torn`: the last one was cut, and with an honest
 * disk never confirmed. `damaged`: a hole or a foreign record before valid ones; moved to quarantine.
 * `lost`: a journal is known to have existed and is gone, or older than its mark elsewhere.
 */
export type JournalVerdict = 'clean' | 'torn' | 'damaged' | 'lost'

/**
 * An append-only file of what this peer has said and must not contradict. All appends of one
 * event-loop turn form one write and one fdatasync; one sync is in flight at a time.
 */
export interface Journal {
  readonly verdict: JournalVerdict
  /**
   * From this sequence on nothing that was confirmed is missing: 1, or where the journal began anew after it was
   * lost or damaged. What `replay` gives from below it is only what was still readable.
   */
  readonly since: number
  /**
   * The newest place at which the journal was found torn and cut, as the sequence of a record there; 0 for none.
   * Told at each open until that record is released: a process that ends before it has asked around forgets nothing.
   */
  readonly cutAt: number
  /** Records that were there at open, oldest first; from released segments none. */
  replay(): Iterable<JournalRecord>
  /**
   * Takes 1 to 65,536 bytes and answers at once with the record's sequence, 0 where it is refused;
   * `synced` is called once, later and in order: with nothing when the record is on disk, with a `JournalError` when
   * it never will be. After the first error every further append fails with it: a failed sync is
   * not retried, the kernel may have dropped the pages.
   */
  append(kind: number, payload: Uint8Array, synced?: (error?: Error) => void): number
  /** Records below `sequence` are not needed any more; their whole segments may go. */
  release(sequence: number): void
  /** Milliseconds of recent syncs at the 95th percentile; 0 before the first. */
  syncP95Ms(): number
  /** Waits for what was appended, marks a clean stop, closes. */
  close(): Promise<void>
}
