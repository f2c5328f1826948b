import type { Cancel } from '@brume/ports'
import { RuntimeError } from '../error.ts'
import type { Json } from '../logic/port.ts'
import type { Cell } from './cell.ts'
import type { OutboxEntry } from './durable/port.ts'
import type { Parts } from './parts.ts'
import { backoffMs } from './supervision.ts'

/** Of one peer at once: they hold sockets and memory of others. */
const RUNNING_MAX = 64
/** Of one actor, running or waiting; beyond them it fails. */
const RUNS_MAX = 256
const TRIES_MAX = 3
const RUN_MS = 60_000
/** Of an outbox entry: an effect is wanted until it was run. */
const NEVER_MS = Number.MAX_SAFE_INTEGER

interface Run {
  readonly cell: Cell
  /** Which incarnation wants it. */
  readonly self: string
  /** Equal in every try. */
  readonly id: string
  readonly type: string
  readonly params: Json
  /** Number of its outbox entry; null: it is not on disk. */
  readonly entry: number | null
  tries: number
  over: boolean
  cancel: Cancel
}

/**
 * Custom actions by name: run at least once, after the batch of the step that wanted them. They are aborted where their
 * actor is stopped, fails or starts anew; one that is done leaves them to be run to their end, with the cell or without.
 */
export class Runs {
  readonly #parts: Parts
  readonly #waiting: Run[] = []
  readonly #of = new Map<Cell, Set<Run>>()
  #running = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get counts(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running, waiting: this.#waiting.length }
  }

  /** @throws RuntimeError where nobody knows what it is */
  check(cell: Cell, type: string): void {
    if (cell.kind.effects?.[type] !== undefined) return
    throw new RuntimeError(
      'BRUME_RUNTIME_EFFECT',
      `${cell.path} wants ${type} run: name it among the effects at register`
    )
  }

  /** @param index - of the effect within its step */
  start(cell: Cell, type: string, params: Json, index: number): void {
    if ((this.#of.get(cell)?.size ?? 0) >= RUNS_MAX) {
      throw new RuntimeError('BRUME_RUNTIME_LIMIT', `${cell.path} has ${RUNS_MAX} effects going already`)
    }
    const id = `${cell.self}/${cell.seq}/${index}`
    this.#add(cell, id, type, params, this.#journal(cell, id, type, params))
  }

  /** One that was going when the peer went down. */
  recover(cell: Cell, { seq, target, body }: OutboxEntry & { readonly seq: number }): void {
    const [id, params] = body as readonly [string, Json]
    this.#add(cell, id, target, params, seq)
  }

  has(cell: Cell): boolean {
    return this.#of.has(cell)
  }

  /** They are not run again. */
  abort(cell: Cell): void {
    for (const run of this.#of.get(cell) ?? []) this.#end(run)
  }

  /** The kernel ends and the actor lives on: they are run again after the restart. */
  leave(cell: Cell): void {
    for (const run of this.#of.get(cell) ?? []) {
      run.over = true
      run.cancel()
    }
    this.#of.delete(cell)
  }

  /** Also those of actors that are gone already. */
  stop(): void {
    for (const cell of [...this.#of.keys()]) this.leave(cell)
  }

  #journal(cell: Cell, id: string, type: string, params: Json): number | null {
    const durable = this.#parts.persistence.of(cell)
    if (durable === null) return null
    const seq = cell.outNext++
    durable.putOutbox(cell.path, seq, { kind: 'run', target: type, prev: 0, body: [id, params], expiresMs: NEVER_MS })
    return seq
  }

  #add(cell: Cell, id: string, type: string, params: Json, entry: number | null): void {
    const run: Run = { cell, self: cell.self, id, type, params, entry, tries: 0, over: false, cancel: () => {} }
    const runs = this.#of.get(cell) ?? new Set()
    this.#of.set(cell, runs.add(run))
    this.#parts.outputs.release(cell.batch, () => this.#queue(run))
  }

  #queue(run: Run): void {
    if (run.over) return
    this.#waiting.push(run)
    this.#pump()
  }

  #pump(): void {
    while (this.#running < RUNNING_MAX) {
      const run = this.#waiting.shift()
      if (run === undefined) return
      if (!run.over) void this.#try(run)
    }
  }

  async #try(run: Run): Promise<void> {
    const controller = new AbortController()
    const { promise: ended, reject } = Promise.withResolvers<never>()
    const stop = (why: string) => {
      controller.abort()
      reject(new RuntimeError('BRUME_RUNTIME_EFFECT', `${run.type} (${run.id}) ${why}`))
    }
    const expire = this.#parts.timers.after(RUN_MS, () => stop(`took longer than ${RUN_MS} ms`))
    run.cancel = () => stop('was stopped with its actor')
    run.tries += 1
    this.#running += 1
    try {
      await Promise.race([this.#call(run, controller.signal), ended])
      this.#end(run)
    } catch (error) {
      this.#failed(run, error)
    } finally {
      expire()
      this.#running -= 1
      this.#pump()
    }
  }

  async #call({ cell, type, id, params }: Run, signal: AbortSignal): Promise<void> {
    await cell.kind.effects?.[type]?.({ id, params, signal })
  }

  #failed(run: Run, error: unknown): void {
    if (run.over) return
    const { options, timers } = this.#parts
    if (run.tries < TRIES_MAX) {
      run.cancel = timers.after(backoffMs(run.tries, options.random.float()), () => this.#queue(run))
      return
    }
    this.#end(run)
    this.#given(run, error)
  }

  /** It is its actor's failure, if that is still there to fail. */
  #given({ cell, self, id, type }: Run, error: unknown): void {
    const { options, scheduler, supervisor } = this.#parts
    if (!cell.isAlive) {
      options.log.warn({ effect: id, type, error }, 'an action of an actor that is done failed; nobody else is told')
    } else if (cell.self === self) scheduler.held(() => supervisor.fail(cell, error, null))
  }

  #end(run: Run): void {
    if (run.over) return
    run.over = true
    run.cancel()
    const runs = this.#of.get(run.cell)
    runs?.delete(run)
    if (runs?.size === 0) this.#of.delete(run.cell)
    const { entry, cell } = run
    if (entry !== null) this.#parts.scheduler.held(() => this.#parts.persistence.of(cell)?.dropOutbox(cell.path, entry))
  }
}
