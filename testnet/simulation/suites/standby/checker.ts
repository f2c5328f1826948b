export interface Violation {
  readonly check: 'fork' | 'lost' | 'twice' | 'stale-read' | 'takeover' | 'stuck' | 'split'
  readonly what: string
}

/**
 * What is promised, seen from outside: events that were sent, what was told of them, and outputs as those get them whom
 * they are for. Knows nothing of copies.
 */
export class Checker {
  violation: Violation | null = null
  /** By number of the output, which is the number of the event in the order they were processed. */
  readonly #outputs = new Map<number, number>()
  /** Event -> its number, as its sender was told. */
  readonly #acked = new Map<number, number>()
  #highestAcked = 0
  #leads: { readonly process: number; readonly atMs: number }[] = []

  get acked(): number {
    return this.#acked.size
  }

  get highestAcked(): number {
    return this.#highestAcked
  }

  isAcked(event: number): boolean {
    return this.#acked.has(event)
  }

  /** Of two with one number the receiver takes the first; the other is a repetition, or another history. */
  output(number: number, event: number, from: number): void {
    const known = this.#outputs.get(number)
    if (known === undefined) this.#outputs.set(number, event)
    else if (known !== event)
      this.#broken('fork', `output ${number} is of event ${known}, and of ${event} from ${from}`)
  }

  told(event: number, number: number): void {
    const known = this.#acked.get(event)
    if (known !== undefined && known !== number) this.#broken('twice', `event ${event} is ${known} and ${number}`)
    this.#acked.set(event, number)
    this.#highestAcked = Math.max(this.#highestAcked, number)
  }

  /** A final read found so many events; when it began so many had been told of. */
  read(found: number, atLeast: number, from: number): void {
    if (found < atLeast) this.#broken('stale-read', `${from} showed ${found} events when ${atLeast} were told of`)
  }

  leads(process: number, atMs: number): void {
    this.#leads.push({ process, atMs })
  }

  /** Someone else must have begun to lead. */
  tookOver(before: number, fromMs: number, withinMs: number): void {
    const isDone = this.#leads.some(
      ({ process, atMs }) => process !== before && atMs > fromMs && atMs <= fromMs + withinMs
    )
    if (!isDone) this.#broken('takeover', `nobody took over from ${before} within ${withinMs} ms of ${fromMs}`)
  }

  /** @param histories - what is there in the end, of each process that leads */
  judge(histories: readonly (readonly number[])[], probe: number): void {
    if (histories.length !== 1) return this.#broken('split', `${histories.length} lead in the end`)
    const [history] = histories
    if (history === undefined) return
    if (new Set(history).size !== history.length) this.#broken('twice', 'an event was processed twice')
    for (const [event, number] of this.#acked) {
      if (history[number - 1] !== event) this.#broken('lost', `event ${event} was told of and is not the ${number}th`)
    }
    for (const [number, event] of this.#outputs) {
      if (history[number - 1] !== event) this.#broken('fork', `output ${number} of event ${event} never happened`)
    }
    if (!this.#acked.has(probe)) this.#broken('stuck', 'an event sent in calm was never told of')
  }

  #broken(check: Violation['check'], what: string): void {
    this.violation ??= { check, what }
  }
}
