import type { GroupEvent } from '@brume/actors/quorum'

/** Blocks on their way here; the unfinalized chain is at most 32 long, the rest were never decided. */
const WAITING_MAX = 256

/** Times the blocks this member proposed, from the proposal until it knows them notarized and final. */
export class BlockClock {
  readonly #now: () => number
  readonly #proposedMs = new Map<string, number>()
  #notarizedMs: number[] = []
  #finalMs: number[] = []

  constructor(now: () => number) {
    this.#now = now
  }

  hear(event: GroupEvent): void {
    if (event.type === 'proposed') this.#begin(event.digest)
    else if (event.type === 'notarized') this.#note(event.digest, this.#notarizedMs)
    else if (event.type === 'final') {
      this.#note(event.digest, this.#finalMs)
      this.#proposedMs.delete(event.digest)
    }
  }

  /** What was measured since the call before. */
  take(): { readonly notarizedMs: readonly number[]; readonly finalMs: readonly number[] } {
    const taken = { notarizedMs: this.#notarizedMs, finalMs: this.#finalMs }
    this.#notarizedMs = []
    this.#finalMs = []
    return taken
  }

  #begin(digest: string): void {
    this.#proposedMs.set(digest, this.#now())
    const [oldest] = this.#proposedMs.keys()
    if (this.#proposedMs.size > WAITING_MAX && oldest !== undefined) this.#proposedMs.delete(oldest)
  }

  #note(digest: string, samples: number[]): void {
    const beganMs = this.#proposedMs.get(digest)
    if (beganMs !== undefined) samples.push(this.#now() - beganMs)
  }
}
