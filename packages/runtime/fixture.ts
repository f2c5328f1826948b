import type { Cancel, Clock, Log, Random } from '@brume/ports'
import { assign, setup } from 'xstate'
import { createKernel, type Failure, type Kernel } from './index.ts'

interface Timer {
  readonly dueMs: number
  readonly run: () => void
}

/** Time that passes only when a test says so; timers fire in order of deadline, then of setting. */
class TestClock implements Clock {
  #nowMs = 0
  readonly #timers = new Set<Timer>()

  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#nowMs
  }

  wall(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): Cancel {
    const timer: Timer = { dueMs: this.#nowMs + delayMs, run }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#timers.delete(next)
      this.#nowMs = next.dueMs
      next.run()
    }
    this.#nowMs = untilMs
  }

  #next(untilMs: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.dueMs <= untilMs && (!first || timer.dueMs < first.dueMs)) first = timer
    }
    return first
  }
}

/** Chance that is always the same: 0.5 is no jitter. */
function evenRandom(value = 0.5): Random {
  return { bytes: (length) => new Uint8Array(length), float: () => value }
}

/** Keeps messages for the test to read. */
function memoryLog(): Log & { readonly lines: string[] } {
  const lines: string[] = []
  const keep = (_fields: object, message: string): void => void lines.push(message)
  const log = { lines, debug: keep, info: keep, warn: keep, error: keep, child: () => log }
  return log
}

/** A kernel, its clock, and what it said. */
export interface World {
  readonly kernel: Kernel
  readonly clock: TestClock
  readonly lines: string[]
  readonly escalated: Failure[]
}

export function world(): World {
  const clock = new TestClock()
  const log = memoryLog()
  const escalated: Failure[] = []
  const kernel = createKernel({ clock, log, random: evenRandom(), onEscalated: (failure) => escalated.push(failure) })
  return { kernel, clock, lines: log.lines, escalated }
}

export const boom = (): never => {
  throw new Error('boom')
}

/** Counts; `fail` throws, `end` finishes. */
export const counter = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'add' } | { type: 'fail' } | { type: 'end' } }
}).createMachine({
  context: { n: 0 },
  initial: 'on',
  states: {
    on: {
      on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) }, fail: { actions: boom }, end: 'off' }
    },
    off: { type: 'final' }
  }
})
