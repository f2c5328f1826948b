import { Heap } from '@brume/testkit'
import { LogHash } from './log-hash.ts'

interface Entry {
  readonly atUs: number
  readonly order: number
  readonly run: () => void
}

/** One line of a trace: what was delivered to a node, or what it emitted. */
export interface TraceLine {
  readonly atUs: number
  readonly node: number
  readonly kind: string
  readonly what: unknown
}

const isEarlier = (a: Entry, b: Entry): boolean => a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order)

/**
 * Virtual time, in integer microseconds, and everything that is still to happen in it. Events run by
 * (time, order of scheduling); nothing else moves time, and no promise is waited for.
 */
export class World {
  nowUs = 0
  /** Events that have run. */
  events = 0
  readonly #heap = new Heap<Entry>(isEarlier)
  readonly #log = new LogHash()
  readonly #trace: ((line: TraceLine) => void) | null
  #order = 0

  constructor(trace: ((line: TraceLine) => void) | null = null) {
    this.#trace = trace
  }

  get isTracing(): boolean {
    return this.#trace !== null
  }

  at(atUs: number, run: () => void): void {
    this.#heap.push({ atUs: Math.max(this.nowUs, Math.ceil(atUs)), order: this.#order++, run })
  }

  after(delayUs: number, run: () => void): void {
    this.at(this.nowUs + delayUs, run)
  }

  /** Runs the next event; false where none is left. */
  step(): boolean {
    const entry = this.#heap.pop()
    if (entry === undefined) return false
    this.nowUs = entry.atUs
    this.events += 1
    entry.run()
    return true
  }

  nextUs(): number | undefined {
    return this.#heap.peek()?.atUs
  }

  runUntil(atUs: number): void {
    for (let next = this.nextUs(); next !== undefined && next <= atUs; next = this.nextUs()) this.step()
    this.nowUs = Math.max(this.nowUs, atUs)
  }

  /** Runs until the condition holds, asked after every event; false if it does not by `limitUs`. */
  runWhile(goesOn: () => boolean, limitUs: number): boolean {
    while (goesOn()) {
      const next = this.nextUs()
      if (next === undefined || next > limitUs) {
        this.nowUs = Math.max(this.nowUs, limitUs)
        return !goesOn()
      }
      this.step()
    }
    return true
  }

  /** Puts what was delivered or emitted into the chain; `kind` < 256, `digest` of 32 bits. */
  log(node: number, kind: number, digest: number): void {
    this.#log.add(this.nowUs, node, kind, digest)
  }

  trace(node: number, kind: string, what: () => unknown): void {
    this.#trace?.({ atUs: this.nowUs, node, kind, what: what() })
  }

  /** SHA-256 chain over all of `log` so far, 32 bytes. */
  logHash(): Uint8Array {
    return this.#log.digest()
  }
}
