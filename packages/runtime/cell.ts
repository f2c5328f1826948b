import type { Cancel, Clock, Log } from '@brume/ports'
import type { AnyActorLogic, Snapshot } from 'xstate'
import { type FailureHistory, NO_FAILURES } from './kernel/supervision.ts'
import { Mailbox } from './mailbox.ts'
import type { CellStatus, Failure, Strategy } from './types.ts'
import { type Incarnation, incarnate } from './xstate.ts'

export interface CellOptions {
  readonly path: string
  readonly logic: AnyActorLogic
  readonly input: unknown
  readonly strategy: Strategy
  readonly onFailed: ((failure: Failure) => void) | undefined
  readonly clock: Clock
  readonly log: Log
  /** How the cell tells the kernel; it decides nothing itself. */
  readonly failed: (cell: Cell, error: unknown) => void
  readonly ended: (cell: Cell, how: 'done' | 'stopped') => void
}

/** One path: its mailbox and its record of failures stay, its XState actor is replaced at each restart. */
export class Cell {
  readonly options: CellOptions
  readonly mailbox = new Mailbox()
  status: CellStatus = 'starting'
  history: FailureHistory = NO_FAILURES
  overflowed = 0
  restarts = 0
  /** In the kernel's run queue. */
  queued = false
  /** Stopped because this cell above failed, and started again with it. */
  waitsFor: Cell | undefined
  /** Failed, and the level above has not decided yet. */
  escalated = false
  restartTimer: Cancel | undefined
  #current: Incarnation | undefined

  constructor(options: CellOptions) {
    this.options = options
  }

  get path(): string {
    return this.options.path
  }

  get isAlive(): boolean {
    return this.status === 'starting' || this.status === 'active' || this.status === 'backoff'
  }

  snapshot(): Snapshot<unknown> | undefined {
    return this.#current?.snapshot()
  }

  /** A new incarnation from the original input. Failing at once is told like any other failure. */
  start(): void {
    const { logic, input, clock, log } = this.options
    const isCurrent = (): boolean => this.#current === next
    const next: Incarnation = incarnate(logic, {
      input,
      clock,
      log,
      failed: (error) => isCurrent() && this.options.failed(this, error),
      ended: (how) => isCurrent() && this.options.ended(this, how)
    })
    this.#current = next
    next.start()
  }

  /** One event into the running incarnation. */
  deliver(event: { readonly type: string }): void {
    this.#current?.send(event)
  }

  /** Ends the incarnation and any wait for the next. What it still says is not heard. */
  halt(): void {
    this.restartTimer?.()
    this.restartTimer = undefined
    const last = this.#current
    if (!last) return
    this.#current = { ...last, start: () => {}, send: () => {}, stop: () => {} }
    last.stop()
  }
}
