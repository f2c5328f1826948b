import { counter, gauge, histogram, type Registry } from '@brume/observe'
import type { Clock } from '@brume/ports'
import type { Cells } from './cells.ts'
import type { DeadLetter, Strategy } from './port.ts'

const SECONDS = [0.000_01, 0.000_1, 0.001, 0.01, 0.1, 1, 10]
const EVENTS = [1, 4, 16, 64, 256, 1_024, 4_096]
/** One step in so many is timed: looking at the clock costs a tenth of a small one. */
const TIMED_EVERY = 64

/** What is looked at when somebody asks. */
export interface Gauges {
  readonly cells: Cells
  readonly effects: () => { readonly running: number; readonly waiting: number }
  readonly outbox: () => number
}

/** What a kernel counts, `brume_runtime_*`. Labels never name actors or peers: their number is unbounded. */
export class Meters {
  readonly #clock: Clock
  readonly #stepSeconds
  readonly #processed
  readonly #failed
  readonly #refused
  readonly #letters
  readonly #restarts
  readonly #activations
  readonly #commitSeconds
  readonly #commitEvents
  readonly #lag
  #steps = 0
  /** Of the batches that are not on disk: since when, and how many steps. */
  readonly #batches = new Map<number, { readonly fromMs: number; events: number }>()

  constructor(registry: Registry, clock: Clock, gauges: Gauges) {
    this.#clock = clock
    const events = counter(registry, 'brume_runtime_events_total', 'Events, by what became of them', ['mode', 'result'])
    this.#processed = events.labels({ mode: 'solo', result: 'processed' })
    this.#failed = events.labels({ mode: 'solo', result: 'failed' })
    this.#refused = events.labels({ mode: 'solo', result: 'refused' })
    this.#stepSeconds = histogram(registry, 'brume_runtime_step_seconds', 'One step in 64', SECONDS)
    this.#letters = counter(registry, 'brume_runtime_dead_letters_total', 'Events nobody processed', ['reason'])
    this.#restarts = counter(registry, 'brume_runtime_restarts_total', 'Failures, by what was done', ['strategy'])
    this.#activations = counter(registry, 'brume_runtime_activations_total', 'Actors brought into memory')
    this.#commitSeconds = histogram(
      registry,
      'brume_runtime_commit_seconds',
      'First step to its batch on disk',
      SECONDS
    )
    this.#commitEvents = histogram(registry, 'brume_runtime_commit_events', 'Steps of one batch', EVENTS)
    this.#lag = histogram(registry, 'brume_runtime_timer_lag_seconds', 'Deadline to its event', SECONDS)
    show(registry, gauges)
  }

  /** Runs a step; undefined where it is not one of those that are timed. */
  begun(): number | undefined {
    this.#steps += 1
    return this.#steps % TIMED_EVERY === 0 ? this.#clock.now() : undefined
  }

  stepped(begunMs: number | undefined): void {
    this.#processed.inc()
    if (begunMs !== undefined) this.#stepSeconds.observe((this.#clock.now() - begunMs) / 1_000)
  }

  failed(strategy: Strategy): void {
    this.#failed.inc()
    this.#restarts.inc({ strategy })
  }

  letter(reason: DeadLetter['reason']): void {
    this.#letters.inc({ reason })
    if (reason !== 'failed') this.#refused.inc()
  }

  activated(): void {
    this.#activations.inc()
  }

  /** A step of this batch. */
  saved(batch: number): void {
    const open = this.#batches.get(batch)
    if (open !== undefined) open.events += 1
    else this.#batches.set(batch, { fromMs: this.#clock.now(), events: 1 })
  }

  confirmed(batch: number): void {
    for (const [number, { fromMs, events }] of this.#batches) {
      if (number > batch) return
      this.#batches.delete(number)
      this.#commitSeconds.observe((this.#clock.now() - fromMs) / 1_000)
      this.#commitEvents.observe(events)
    }
  }

  late(ms: number): void {
    this.#lag.observe(Math.max(0, ms) / 1_000)
  }
}

function show(registry: Registry, { cells, effects, outbox }: Gauges): void {
  gauge(registry, 'brume_runtime_cells', 'Actors in memory, by status', ['state'], (made) => {
    made.reset()
    for (const { status } of cells.all()) made.inc({ state: status })
  })
  gauge(registry, 'brume_runtime_mailbox_depth', 'Events that wait', [], (made) => {
    let waiting = 0
    for (const { mailbox } of cells.all()) waiting += mailbox.length
    made.set(waiting)
  })
  gauge(registry, 'brume_runtime_timers', 'Timers of actors in memory', [], (made) => {
    let armed = 0
    for (const { timers } of cells.all()) armed += timers.size
    made.set(armed)
  })
  gauge(registry, 'brume_runtime_outbox_depth', 'Durable sends and effects under way', [], (made) => made.set(outbox()))
  gauge(registry, 'brume_runtime_effects', 'Custom actions', ['state'], (made) => {
    const { running, waiting } = effects()
    made.set({ state: 'running' }, running)
    made.set({ state: 'waiting' }, waiting)
  })
}
