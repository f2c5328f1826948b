import type { Cancel, Clock } from '@brume/ports'
import type { Append, Ledger } from './ledger.ts'

/**
 * Final blocks are written so much later: encoding and writing cost a tenth of a view, and the votes by which others
 * find out the same come within a few milliseconds. Whoever asks for what is written does not wait for it.
 */
const PAUSE_MS = 3

/** Of one batch: while the disk is busy more gather, and a view's blocks may take 128 KiB. */
const APPENDS_MAX = 32

/** The one way into a group's ledger while it is at work: writes in order, and what waits in one batch. */
export class Scribe {
  readonly #ledger: Ledger
  readonly #clock: Clock
  readonly #failed: (error: unknown) => void
  /** To be written together once it is their turn. */
  #gathering: Append[] | null = null
  #written: Promise<void> = Promise.resolve()
  #hurry: () => void = () => {}

  constructor(ledger: Ledger, clock: Clock, failed: (error: unknown) => void) {
    this.#ledger = ledger
    this.#clock = clock
    this.#failed = failed
  }

  append(append: Append): void {
    if (this.#gathering !== null && this.#gathering.length < APPENDS_MAX) {
      this.#gathering.push(append)
      return
    }
    const gathering = [append]
    this.#gathering = gathering
    void this.#chain(async () => {
      // Others may have filled it meanwhile, or asked for it.
      if (this.#gathering === gathering) await this.#pause()
      if (this.#gathering === gathering) this.#gathering = null
      await this.#ledger.append(gathering)
    })
  }

  /** Does something else with the ledger after all that was given so far; rejects where that fails. */
  next(write: () => Promise<void>): Promise<void> {
    this.#gathering = null
    this.#hurry()
    return this.#chain(write)
  }

  /** Resolves when everything given so far is in the store. */
  written(): Promise<void> {
    this.#gathering = null
    this.#hurry()
    return this.#written
  }

  #chain(write: () => Promise<void>): Promise<void> {
    const done = this.#written.then(write)
    this.#written = done.catch(this.#failed)
    return done
  }

  #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel: Cancel = this.#clock.after(PAUSE_MS, resolve)
    this.#hurry = () => {
      cancel()
      resolve()
    }
    return promise
  }
}
