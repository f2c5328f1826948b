import { encode } from '@brume/codec'
import type { Cancel, Clock, Store } from '@brume/ports'
import { FLAG_CLEAN_STOP, KIND_CHECKPOINT } from './layout.ts'
import { type Mark, writeMark } from './mark.ts'

/** How far LevelDB's memory of the journal may lag behind it. */
const MARK_EVERY_RECORDS = 64
const MARK_EVERY_MS = 1_000

export interface MarkerOptions {
  readonly store: Store
  readonly clock: Clock
  readonly mark: Mark
  readonly append: (kind: number, flags: number, payload: Uint8Array) => number
  /** A mark that could not be written weakens the check against rollback and stops nothing. */
  readonly onError: (error: unknown) => void
}

/**
 * Marks against rollback: LevelDB learns how far the journal is synced, the journal how far LevelDB
 * is. Each mark speaks only of what is already on disk.
 */
export class Marker {
  readonly #options: MarkerOptions
  #mark: Mark
  #unmarkedRecords = 0
  #timer: Cancel | undefined
  #writing: Promise<void> = Promise.resolve()
  #checkpointed = 0
  #closed = false

  constructor(options: MarkerOptions) {
    this.#options = options
    this.#mark = options.mark
  }

  synced(sequence: number, chain: Uint8Array, records: number): void {
    this.#mark = { ...this.#mark, sequence, chain }
    // A checkpoint alone asks for no further mark, or an idle peer would write forever.
    const hasCheckpoint = this.#checkpointed <= sequence && this.#checkpointed > sequence - records
    if (hasCheckpoint && records === 1) return
    this.#unmarkedRecords += records
    if (this.#unmarkedRecords >= MARK_EVERY_RECORDS) void this.#write(false)
    if (this.#closed) return
    this.#timer ??= this.#options.clock.after(MARK_EVERY_MS, () => {
      this.#timer = undefined
      void this.checkpoint(0)
    })
  }

  /** Resolves when LevelDB has synced that records below `sequence` are not needed. */
  release(sequence: number): Promise<boolean> {
    this.#mark = { ...this.#mark, released: Math.max(this.#mark.released, sequence) }
    return this.#write(true)
  }

  /** A synced mark, and the record that says so. */
  async checkpoint(flags: number): Promise<void> {
    const next = this.#write(true)
    const { batch, chain } = this.#mark
    const isWritten = await next
    if (isWritten) this.#checkpointed = this.#options.append(KIND_CHECKPOINT, flags, encode([batch, chain]))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.()
    this.#timer = undefined
    await this.checkpoint(FLAG_CLEAN_STOP)
  }

  async abandon(): Promise<void> {
    this.#closed = true
    this.#timer?.()
    await this.#writing
  }

  /** Marks go one after the other, so that an older one never overwrites a newer. */
  #write(sync: boolean): Promise<boolean> {
    this.#unmarkedRecords = 0
    this.#mark = { ...this.#mark, batch: this.#mark.batch + 1 }
    const mark = this.#mark
    const written = this.#writing.then(async () => {
      try {
        await writeMark(this.#options.store, mark, sync)
        return true
      } catch (error) {
        this.#options.onError(error)
        return false
      }
    })
    this.#writing = written.then(() => undefined)
    return written
  }
}
