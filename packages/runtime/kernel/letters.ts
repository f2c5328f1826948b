import type { Clock, Log } from '@brume/ports'
import type { Event } from '../logic/port.ts'
import type { DeadLetter } from './port.ts'

/** At some 200 bytes of bookkeeping each beside the events. */
const KEPT_MAX = 10_000
/** One line per actor and reason in this time: whoever floods an actor is not to flood the log. */
const LOG_EVERY_MS = 60_000
/** Pairs of actor and reason that are remembered for it. */
const LOGGED_MAX = 1_024

type Reason = DeadLetter['reason']

/** Events that nobody processed. */
export class Letters {
  readonly #clock: Clock
  readonly #log: Log
  readonly #counted: (reason: Reason) => void
  readonly #ring: DeadLetter[] = []
  readonly #loggedMs = new Map<string, number>()
  #waiting: (() => void)[] = []
  /** Of the next letter, from 0 on. */
  #next = 0
  #stopped = false

  constructor(clock: Clock, log: Log, counted: (reason: Reason) => void) {
    this.#clock = clock
    this.#log = log
    this.#counted = counted
  }

  add(reason: Reason, to: string, from: string | null, event: Event, error?: unknown): void {
    const letter: DeadLetter = { atMs: this.#clock.wall(), reason, to, from, event }
    this.#ring[this.#next % KEPT_MAX] = error === undefined ? letter : { ...letter, error }
    this.#next += 1
    this.#counted(reason)
    this.#say(reason, to, event, error)
    for (const run of this.#waiting.splice(0)) run()
  }

  /** The kept ones, oldest first, then those to come; a reader that is 10,000 behind misses some. Ends with the kernel. */
  async *read(): AsyncGenerator<DeadLetter> {
    for (let at = this.#oldest(); ; at++) {
      while (at >= this.#next) {
        if (this.#stopped) return
        await new Promise<void>((resolve) => this.#waiting.push(resolve))
      }
      at = Math.max(at, this.#oldest())
      const letter = this.#ring[at % KEPT_MAX]
      if (letter !== undefined) yield letter
    }
  }

  stop(): void {
    this.#stopped = true
    for (const run of this.#waiting.splice(0)) run()
  }

  #oldest(): number {
    return Math.max(0, this.#next - KEPT_MAX)
  }

  #say(reason: Reason, to: string, event: Event, error: unknown): void {
    const key = `${reason} ${to}`
    const nowMs = this.#clock.now()
    const last = this.#loggedMs.get(key)
    if (last !== undefined && nowMs - last < LOG_EVERY_MS) return
    this.#loggedMs.delete(key)
    this.#loggedMs.set(key, nowMs)
    if (this.#loggedMs.size > LOGGED_MAX)
      for (const first of this.#loggedMs.keys()) return void this.#loggedMs.delete(first)
    this.#log.warn(
      { actor: to, reason, event: event.type, error },
      'an event was not processed; more of the kind within a minute are not logged'
    )
  }
}
