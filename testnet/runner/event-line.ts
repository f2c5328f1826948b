import type { TestnetEvent } from './state.ts'

/** What the tallest terminal can show, and a run of hours does not fill the memory with. */
const EVENTS_KEPT = 200

/** The run's time line: the newest events, and everyone who wants to hear each. */
export class EventLine {
  readonly #now: () => number
  readonly #listeners = new Set<(event: TestnetEvent) => void>()
  #newest: readonly TestnetEvent[] = []

  /** `now` answers in milliseconds since the run began. */
  constructor(now: () => number) {
    this.#now = now
  }

  emit(event: string, peer?: string, detail?: TestnetEvent['detail']): void {
    const entry = {
      atMs: this.#now(),
      event,
      ...(peer === undefined ? {} : { peer }),
      ...(detail === undefined ? {} : { detail })
    }
    // Progress is drawn from the state itself; in the time line it would push the rest out.
    if (event !== 'progress') this.#newest = [...this.#newest, entry].slice(-EVENTS_KEPT)
    for (const listener of this.#listeners) listener(entry)
  }

  newest(): readonly TestnetEvent[] {
    return this.#newest
  }

  listen(listener: (event: TestnetEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
