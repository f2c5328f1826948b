import type { Journal } from '@brume/ports'
import { monotonicMs } from '../harness/clock.ts'

/** quorum.md 16.2 */
const RECORD_BYTES = 512
const RECORD_KIND = 255

/** Measures s: an append of 512 bytes and its sync, through a journal beside the votes' own on the same disk. */
export class SyncProbe {
  readonly #journal: Journal
  #tookMs: number[] = []

  constructor(journal: Journal) {
    this.#journal = journal
  }

  measure(): void {
    const startMs = monotonicMs()
    this.#journal.append(RECORD_KIND, new Uint8Array(RECORD_BYTES), (error) => {
      if (error === undefined) this.#tookMs.push(monotonicMs() - startMs)
    })
  }

  take(): readonly number[] {
    const taken = this.#tookMs
    this.#tookMs = []
    return taken
  }

  close(): Promise<void> {
    return this.#journal.close()
  }
}
