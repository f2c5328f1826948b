import type { Clock } from '@brume/ports'
import type { Effect, Event, Json, Scope, Status, Step } from '../logic/port.ts'
import type { Cell, Origin } from './cell.ts'
import type { Mail } from './mailbox.ts'
import type { Parts } from './parts.ts'
import type { Snapshot } from './port.ts'

/** Marks mail that only wants to know when its turn has come. */
export const PROBE: Event = { type: 'brume.probe' }

/** One event after the other through an actor's logic. */
export class Steps {
  readonly #parts: Parts
  readonly #random: Scope['random']

  constructor(parts: Parts) {
    this.#parts = parts
    this.#random = (length) => parts.options.random.bytes(length)
  }

  /** @returns how many events it handled */
  readonly turn = (cell: Cell, eventsMax: number): number => {
    let handled = 0
    while (handled < eventsMax && cell.status === 'active') {
      const mail = cell.mailbox.take()
      if (mail === undefined) break
      handled += 1
      this.#deliver(cell, mail)
    }
    this.#parts.persistence.used(cell)
    return handled
  }

  /** Its first step. */
  begin(cell: Cell): void {
    let step: Step<unknown>
    try {
      step = cell.logic.init(cell.input, this.#scope(cell, null, null))
    } catch (error) {
      return this.#parts.supervisor.fail(cell, error, null)
    }
    if (!this.#apply(cell, step, null)) return
    // It may never be sent anything.
    this.#parts.persistence.used(cell)
    this.#parts.scheduler.add(cell)
  }

  snapshot(cell: Cell): Snapshot {
    const { address, incarnation, seq, status, logic, state, failure } = cell
    const view = state === undefined ? NOTHING : logic.view(state)
    return { ...view, address, incarnation, seq, cell: status, ...(failure === null ? {} : { failure }) }
  }

  #deliver(cell: Cell, mail: Mail): void {
    if (mail.expiresMs !== Number.POSITIVE_INFINITY && mail.expiresMs < this.#parts.options.clock.now()) {
      return this.#parts.door.lost(cell, mail, 'expired')
    }
    if (mail.batch > cell.batch) cell.batch = mail.batch
    if (mail.event === PROBE) return mail.receipt?.processed(cell.seq, cell.batch)
    if (mail.timer !== null) {
      // Cancelled, or armed anew, by an event that was due at the same time and came first.
      if (cell.timers.get(mail.timer.id) !== mail.timer) return
      cell.timers.delete(mail.timer.id)
    }
    const begunMs = this.#parts.meters?.begun()
    let step: Step<unknown>
    try {
      step = cell.logic.step(cell.state, mail.event, this.#scope(cell, mail.from, mail.ask))
    } catch (error) {
      return this.#parts.supervisor.fail(cell, error, mail)
    }
    if (!this.#apply(cell, step, mail)) return
    this.#parts.meters?.stepped(begunMs)
    mail.receipt?.processed(cell.seq, cell.batch)
  }

  /** False where the step failed; its output is discarded then. */
  #apply(cell: Cell, step: Step<unknown>, mail: Mail | null): boolean {
    const { supervisor, effects, watches, persistence } = this.#parts
    const status = statusOf(cell, step.state)
    if (status === 'error') {
      supervisor.fail(cell, cell.logic.view(step.state).error, mail)
      return false
    }
    try {
      for (const effect of step.effects) effects.check(cell, effect)
      persistence.check(cell, step.state)
    } catch (error) {
      supervisor.fail(cell, error, mail)
      return false
    }
    const { self, state: before } = cell
    cell.state = step.state
    cell.status = 'active'
    if (mail !== null) cell.seq += 1
    persistence.stepped(cell, mail)
    try {
      if (!this.#perform(cell, step.effects)) return true
    } catch (error) {
      if (cell.self === self) cell.state = before
      supervisor.fail(cell, error, mail)
      return false
    }
    if (status === 'done') supervisor.end(cell, 'done', cell.logic.view(step.state).output)
    else if (cell.origin?.syncSnapshot) this.#tellParent(cell, cell.origin)
    watches.changed(cell, () => this.snapshot(cell))
    return true
  }

  /** False where one of its own actions stopped it. */
  #perform(cell: Cell, effects: readonly Effect[]): boolean {
    const { self } = cell
    for (let index = 0; index < effects.length; index++) {
      const effect = effects[index]
      if (effect !== undefined) this.#parts.effects.perform(cell, effect, index)
      if (cell.self !== self || !cell.isAlive) return false
    }
    return true
  }

  #tellParent(cell: Cell, { id, parent }: Origin): void {
    const { status, value, context } = cell.logic.view(cell.state)
    const event = { type: `xstate.snapshot.${id}`, snapshot: { status, value, context } }
    this.#parts.door.toParent(cell, parent, event)
  }

  #scope(cell: Cell, sender: string | null, ask: string | null): Scope {
    return new StepScope(cell, this.#parts.options.clock, sender, ask, this.#random)
  }
}

/** Looks at the clock when it is asked: that is a third of what the kernel costs an event, and few ask. */
class StepScope implements Scope {
  readonly address: string
  readonly parent: string | null
  readonly sender: string | null
  readonly ask: string | null
  readonly random: Scope['random']
  readonly #clock: Clock
  #nowMs: number | null = null

  constructor(cell: Cell, clock: Clock, sender: string | null, ask: string | null, random: Scope['random']) {
    this.address = cell.self
    this.parent = cell.origin?.parent.self ?? null
    this.sender = sender
    this.ask = ask
    this.random = random
    this.#clock = clock
  }

  get nowMs(): number {
    this.#nowMs ??= this.#clock.wall()
    return this.#nowMs
  }
}

/** Of an actor whose first step failed. */
const NOTHING = { status: 'error', value: null as Json, context: null as Json, tags: [] } as const

function statusOf({ logic }: Cell, state: unknown): Status {
  return logic.status === undefined ? logic.view(state).status : logic.status(state)
}
