import type { Clock, Journal, JournalRecord, JournalVerdict } from '@brume/ports'

const PAYLOAD_BYTES_MAX = 65_536
const SYNC_SAMPLES = 256

type Synced = (error?: Error) => void

/** As @brume/store's, by name and code. */
class MemoryJournalError extends Error {
  override readonly name = 'JournalError'
  readonly code: 'BRUME_JOURNAL_CLOSED' | 'BRUME_JOURNAL_FAILED' | 'BRUME_JOURNAL_FULL' | 'BRUME_JOURNAL_RECORD'

  constructor(code: MemoryJournalError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** The medium under memory journals: what survives when the process does not. */
export interface JournalMedium {
  /** On the medium, oldest first. A test may take from it what a bad disk would lose. */
  readonly records: JournalRecord[]
  /** Set by a test: what the next open finds. */
  verdict: JournalVerdict
  /** Set by a test: the next sync fails, for good. */
  failNext: boolean
  /** Set by a test: there is no space for the next segment, appends are refused until there is. */
  isFull: boolean
  /** Where the journal began anew after it was found lost or damaged. */
  since: number
  /** Where it was found torn, 0 for nowhere. */
  cutAt: number
}

export interface MemoryJournalOptions {
  /** Real or simulated; each sync takes `syncMs` of it. */
  readonly clock: Clock
  /** Drawn once a sync. Default 0.3 ms. */
  readonly syncMs?: () => number
  /** Of an earlier journal, to open it again. Default a new one. */
  readonly medium?: JournalMedium
}

export interface MemoryJournal extends Journal {
  readonly medium: JournalMedium
  /**
   * The process is gone: nothing is confirmed any more. Of the records in flight the first `kept`
   * have reached the medium (default none): they count as said, though nobody was told.
   */
  crash(kept?: number): void
}

export const newMedium = (): JournalMedium => ({
  records: [],
  verdict: 'clean',
  failNext: false,
  isFull: false,
  since: 1,
  cutAt: 0
})

/**
 * A journal without a disk for simulations: group commit and confirmation run on the clock alone,
 * so a run needs no promise to settle.
 */
export function memoryJournal(options: MemoryJournalOptions): MemoryJournal {
  return new InMemoryJournal(options.clock, options.syncMs ?? (() => 0.3), options.medium ?? newMedium())
}

interface Appended {
  readonly record: JournalRecord
  readonly synced: Synced | undefined
}

class InMemoryJournal implements MemoryJournal {
  readonly medium: JournalMedium
  readonly verdict: JournalVerdict
  readonly since: number
  readonly cutAt: number
  readonly #clock: Clock
  readonly #syncMs: () => number
  readonly #replayed: readonly JournalRecord[]
  readonly #syncsMs: number[] = []
  #queued: Appended[] = []
  #inFlight: Appended[] = []
  #nextSequence: number
  #error: MemoryJournalError | undefined
  #isCrashed = false
  #idle: (() => void)[] = []

  constructor(clock: Clock, syncMs: () => number, medium: JournalMedium) {
    this.#clock = clock
    this.#syncMs = syncMs
    this.medium = medium
    this.verdict = medium.verdict
    this.#replayed = [...medium.records]
    this.#nextSequence = (medium.records.at(-1)?.sequence ?? 0) + 1
    const isReplaced = medium.verdict === 'lost' || medium.verdict === 'damaged'
    if (isReplaced && medium.since === 1) medium.since = this.#nextSequence
    this.since = medium.since
    // The sequence of the record that a journal on disk writes there, which no one else sees.
    if (medium.verdict === 'torn') medium.cutAt = this.#nextSequence++
    this.cutAt = medium.cutAt
  }

  *replay(): Iterable<JournalRecord> {
    for (const record of this.#replayed) yield { ...record, payload: record.payload.slice() }
  }

  append(kind: number, payload: Uint8Array, synced?: Synced): number {
    if (payload.length < 1 || payload.length > PAYLOAD_BYTES_MAX) {
      throw new MemoryJournalError('BRUME_JOURNAL_RECORD', `a record takes 1 to ${PAYLOAD_BYTES_MAX} bytes`)
    }
    const error = this.#error ?? this.#full()
    if (error !== undefined) {
      this.#clock.after(0, () => synced?.(error))
      return 0
    }
    const record = { sequence: this.#nextSequence, kind, payload: payload.slice() }
    this.#nextSequence += 1
    this.#queued.push({ record, synced })
    if (this.#queued.length === 1 && this.#inFlight.length === 0) this.#clock.after(0, () => this.#start())
    return record.sequence
  }

  release(sequence: number): void {
    const kept = this.medium.records.findIndex((record) => record.sequence >= sequence)
    // The newest stays: from it the next open knows where to go on.
    if (kept > 0) this.medium.records.splice(0, kept)
  }

  syncP95Ms(): number {
    const sorted = this.#syncsMs.toSorted((a, b) => a - b)
    return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0
  }

  async close(): Promise<void> {
    if (this.#queued.length > 0 || this.#inFlight.length > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
    this.#error ??= new MemoryJournalError('BRUME_JOURNAL_CLOSED', 'The journal is closed')
  }

  crash(kept = 0): void {
    this.#isCrashed = true
    const inFlight = [...this.#inFlight, ...this.#queued].map(({ record }) => record)
    this.medium.records.push(...inFlight.slice(0, kept))
    this.#queued = []
    this.#inFlight = []
    this.#error = new MemoryJournalError('BRUME_JOURNAL_CLOSED', 'The process has crashed')
  }

  #full(): MemoryJournalError | undefined {
    if (!this.medium.isFull) return undefined
    return new MemoryJournalError('BRUME_JOURNAL_FULL', 'The disk has no space for the journal')
  }

  #start(): void {
    if (this.#queued.length === 0 || this.#isCrashed) return
    this.#inFlight = this.#queued
    this.#queued = []
    const syncMs = this.#syncMs()
    this.#clock.after(syncMs, () => this.#synced(syncMs))
  }

  #synced(syncMs: number): void {
    if (this.#isCrashed) return
    if (this.medium.failNext) return this.#fail()
    const done = this.#inFlight
    this.medium.records.push(...done.map(({ record }) => record))
    this.#inFlight = []
    this.#syncsMs.push(syncMs)
    if (this.#syncsMs.length > SYNC_SAMPLES) this.#syncsMs.shift()
    for (const { synced } of done) synced?.()
    if (this.#queued.length > 0) this.#start()
    else this.#wakeIdle()
  }

  #fail(): void {
    const error = new MemoryJournalError('BRUME_JOURNAL_FAILED', 'The disk failed to write the journal')
    this.#error = error
    const lost = [...this.#inFlight, ...this.#queued]
    this.#inFlight = []
    this.#queued = []
    for (const { synced } of lost) synced?.(error)
    this.#wakeIdle()
  }

  #wakeIdle(): void {
    for (const wake of this.#idle.splice(0)) wake()
  }
}
