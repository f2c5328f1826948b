import type { Store } from '@brume/ports'
import { Batch, type ClosedBatch } from './batch.ts'
import { keyText } from './keys.ts'
import { BATCH_BYTES_MAX } from './limits.ts'

export interface GroupCommitOptions {
  readonly store: Store
  /** Calls when this turn of the event loop is over. */
  readonly turn: (run: () => void) => void
  /** The batch is about to be encoded: records go in now. */
  readonly onClosing: (batch: Batch) => void
  readonly onConfirmed: (batch: number) => void
  /** Told once. Nothing is written or confirmed any more. */
  readonly onFatal: (error: Error) => void
}

/**
 * One sync in flight; what comes meanwhile gathers in the open batch and is the next one. What is not yet on disk is
 * read from here.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions
  #open = new Batch(1)
  /** Oldest first; the first is being written. */
  readonly #closed: ClosedBatch[] = []
  readonly #waiting: { readonly batch: number; readonly done: () => void; readonly fail: (error: Error) => void }[] = []
  #confirmed = 0
  #isWriting = false
  #isGathering = false
  #failure: Error | undefined

  constructor(options: GroupCommitOptions) {
    this.#options = options
  }

  get open(): Batch {
    return this.#open
  }

  get confirmed(): number {
    return this.#confirmed
  }

  get backlogBytes(): number {
    return this.#closed.reduce((sum, batch) => sum + batch.bytes, this.#open.bytes)
  }

  /**
   * No step is half done: closes the open batch if it is full, or else, where the disk is idle, when this turn of the
   * event loop is over. A burst would wait for the sync of its first event, and for another one with all others.
   */
  flush(): void {
    if (this.#open.bytes >= BATCH_BYTES_MAX) return this.#flushNow()
    if (!this.#open.isWanted || this.#closed.length > 0 || this.#isGathering) return
    this.#isGathering = true
    this.#options.turn(() => {
      this.#isGathering = false
      this.#flushNow()
    })
  }

  #flushNow(): void {
    if (this.#open.isEmpty || this.#failure !== undefined) return
    if (this.#closed.length > 0 && this.#open.bytes < BATCH_BYTES_MAX) return
    this.#close()
    this.#write()
  }

  /** The value, also of a batch that is not on disk yet. @throws StoreError */
  read(key: Uint8Array): Uint8Array | undefined {
    const name = keyText(key)
    const opened = this.#open.read(name)
    if (opened !== undefined) return opened ?? undefined
    for (let i = this.#closed.length - 1; i >= 0; i--) {
      const value = this.#closed[i]?.values.get(name)
      if (value !== undefined) return value ?? undefined
    }
    return this.#options.store.getSync(key)
  }

  /** Resolves when all that was changed so far is on disk; rejects where a write failed. */
  settled(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const batch = this.#open.isEmpty ? this.#open.number - 1 : this.#open.number
    if (batch <= this.#confirmed) return Promise.resolve()
    return new Promise((done, fail) => {
      this.#waiting.push({ batch, done, fail })
      this.#flushNow()
    })
  }

  #close(): void {
    const batch = this.#open
    this.#options.onClosing(batch)
    this.#closed.push(batch.close())
    this.#open = new Batch(batch.number + 1)
  }

  #write(): void {
    const next = this.#closed[0]
    if (next === undefined || this.#isWriting) return
    this.#isWriting = true
    this.#options.store.batch(next.operations, { sync: true }).then(
      () => this.#written(next),
      (error) => this.#failed(error)
    )
  }

  #written(batch: ClosedBatch): void {
    this.#isWriting = false
    this.#closed.shift()
    this.#confirmed = batch.number
    // The next one goes to the disk before anyone acts on this one.
    if (this.#closed.length > 0) this.#write()
    else if (this.#open.isWanted) this.#flushNow()
    this.#options.onConfirmed(batch.number)
    while (this.#waiting[0] !== undefined && this.#waiting[0].batch <= batch.number) this.#waiting.shift()?.done()
  }

  #failed(error: unknown): void {
    this.#failure = error instanceof Error ? error : new Error(String(error))
    this.#options.onFatal(this.#failure)
    for (const { fail } of this.#waiting.splice(0)) fail(this.#failure)
  }
}
