import type { Placed } from '../runner/messages.ts'
import type { WorkloadObserver } from '../runner/workload.ts'

/** One command as its client saw it. Times in milliseconds since the run began. */
export interface Asked {
  readonly id: number
  readonly client: string
  readonly peer: string
  readonly invokedMs: number
  readonly completedMs: number | undefined
  /** `unknown`: there was no answer; it may have taken effect. */
  readonly outcome: 'acknowledged' | 'refused' | 'unknown'
  readonly placed: Placed | undefined
  readonly error: string | undefined
}

export type Acknowledged = Asked & { readonly completedMs: number; readonly placed: Placed }

/** What clients asked for, when, and what they were told. */
export class History implements WorkloadObserver {
  readonly #now: () => number
  readonly #asked = new Map<number, Asked>()

  constructor(now: () => number) {
    this.#now = now
  }

  invoked(id: number, client: string, peer: string): void {
    const open = { completedMs: undefined, outcome: 'unknown', placed: undefined, error: undefined } as const
    this.#asked.set(id, { id, client, peer, invokedMs: this.#now(), ...open })
  }

  completed(id: number, placed: Placed | undefined, error: string | undefined): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return
    // An error says only that this member gives no answer: the others may yet order the command.
    const outcome = placed !== undefined ? 'acknowledged' : isRefusal(error) ? 'refused' : 'unknown'
    this.#asked.set(id, { ...asked, completedMs: this.#now(), outcome, placed, error })
  }

  all(): readonly Asked[] {
    return [...this.#asked.values()]
  }
}

/** Refused before it was sent to anybody; expiry and a halt come after. */
function isRefusal(error: string | undefined): boolean {
  return error !== undefined && /more commands waiting|commands waiting;|still reading its past/.test(error)
}

export function acknowledged(history: readonly Asked[]): readonly Acknowledged[] {
  return history.filter((asked): asked is Acknowledged => asked.outcome === 'acknowledged')
}
