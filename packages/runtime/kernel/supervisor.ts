import { RuntimeError } from '../error.ts'
import type { Json } from '../logic/port.ts'
import type { Cell } from './cell.ts'
import { failureOf, plainError } from './errors.ts'
import type { Mail } from './mailbox.ts'
import type { Parts } from './parts.ts'
import type { DownReason, Strategy } from './port.ts'
import { judgeFailure, NO_FAILURES, RESTART_POLICY, type RestartPolicy } from './supervision.ts'

/** How an actor ended, and what its watchers are told. */
const REASON = { done: 'done', failed: 'error', stopped: 'stopped' } as const satisfies Record<string, DownReason>
type End = keyof typeof REASON

/**
 * Starts, restarts and ends cells. Paths make families: who is below a cell stops when it fails or ends. Those that
 * a machine started are started anew by its next incarnation; others below it start again with it.
 */
export class Supervisor {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** First start, or a wait if the cell above waits itself. */
  begin(cell: Cell): void {
    const { above } = cell
    if (above?.status !== 'backoff') return this.#start(cell)
    cell.waitsFor = above.waitsFor ?? above
    cell.status = 'backoff'
  }

  /** The step of `mail`, the start, or an effect failed, or an actor below gave up: `error` says which. */
  fail(cell: Cell, error: unknown, mail: Mail | null): void {
    if (cell.status !== 'starting' && cell.status !== 'active') return
    if (mail !== null) this.#parts.door.lost(cell, mail, 'failed', error)
    const { strategy, policy } = superviseOf(cell)
    cell.failure = failureOf(error)
    this.#parts.meters?.failed(strategy)
    if (strategy === 'stop') return this.#giveUp(cell, error)
    if (strategy === 'escalate') return this.#escalate(cell, error)
    const { clock, random } = this.#parts.options
    const judgement = judgeFailure(cell.history, clock.now(), random.float(), policy)
    if (judgement.kind === 'escalate') return this.#escalate(cell, error)
    cell.history = judgement.history
    if (strategy === 'resume' && cell.state !== undefined) {
      cell.restarts += 1
      // The event is used up, and a timer with it.
      this.#parts.persistence.changed(cell)
      return this.#report(cell, error, undefined)
    }
    this.#suspend(cell)
    cell.restartTimer = this.#parts.timers.after(judgement.delayMs, () => this.#restart(cell))
    this.#report(cell, error, judgement.delayMs)
  }

  /** Those below stop first, last spawned first. */
  end(cell: Cell, how: 'done' | 'stopped', output?: Json): void {
    if (!cell.isAlive) return
    this.#closeBelow(cell)
    this.#close(cell, how, output)
    if (how === 'done') this.#tellParent(cell, 'done', { output: output ?? null })
  }

  /** As someone outside wants it. An ended one on disk goes from there. */
  stop(cell: Cell): void {
    if (cell.isAlive) return this.end(cell, 'stopped')
    this.#parts.runs.abort(cell)
    this.#parts.persistence.bury(cell)
    this.#parts.cells.remove(cell)
  }

  /** The kernel ends: actors in memory with it, others are only let go of. */
  leave(cell: Cell): void {
    if (this.#parts.persistence.of(cell) === null) return this.end(cell, 'stopped')
    cell.restartTimer?.()
    this.#parts.effects.leave(cell)
  }

  /** A failed root goes on: where it stopped if it resumes, else from its beginning. */
  resurrect(cell: Cell): void {
    if (cell.status !== 'failed') return
    cell.history = NO_FAILURES
    cell.failure = null
    if (superviseOf(cell).strategy !== 'resume' || cell.state === undefined) return this.#start(cell)
    this.#parts.cells.revived(cell)
    cell.escalated = false
    cell.status = 'active'
    this.#parts.persistence.changed(cell)
    this.#parts.effects.goOn(cell, { timers: [...cell.timers.values()], watching: [], children: [] })
    this.#parts.scheduler.add(cell)
  }

  #start(cell: Cell): void {
    this.#halt(cell)
    cell.waitsFor = null
    cell.escalated = false
    cell.incarnation = this.#parts.nextIncarnation()
    cell.self = `${cell.address}#${cell.incarnation}`
    // A journal's numbers go on.
    if (cell.durability !== 'journal') cell.seq = 0
    cell.state = undefined
    cell.status = 'starting'
    this.#parts.cells.revived(cell)
    this.#parts.steps.begin(cell)
  }

  #restart(cell: Cell): void {
    cell.restartTimer = null
    const waiting = descendants(cell).filter(({ waitsFor }) => waitsFor === cell)
    this.#again(cell)
    for (const below of waiting) {
      if (cell.status !== 'active') return
      if (below.waitsFor !== cell) continue
      below.history = NO_FAILURES
      this.#again(below)
    }
  }

  #again(cell: Cell): void {
    cell.restarts += 1
    this.#parts.watches.down(cell, 'restarted')
    this.#start(cell)
  }

  /** Until its restart: user events are kept, what its incarnation had going is not. */
  #suspend(cell: Cell): void {
    this.#parts.effects.gather(cell)
    for (const below of descendants(cell).reverse()) {
      if (isOwned(below, cell)) this.#close(below, 'stopped')
      else if (below.isAlive || below.escalated) this.#hold(below, cell)
    }
    this.#hold(cell, null)
  }

  #hold(cell: Cell, waitsFor: Cell | null): void {
    this.#halt(cell)
    for (const mail of cell.mailbox.clear('own')) mail.consumed?.()
    cell.waitsFor = waitsFor
    cell.status = 'backoff'
    this.#parts.persistence.changed(cell)
  }

  #giveUp(cell: Cell, error: unknown): void {
    this.#closeBelow(cell)
    this.#close(cell, 'stopped')
    this.#report(cell, error, undefined)
  }

  #escalate(cell: Cell, error: unknown): void {
    const { above, origin } = cell
    const heir = origin === null && above?.isAlive ? above : null
    if (heir === null) this.#closeBelow(cell)
    else this.#suspend(cell)
    this.#close(cell, 'failed')
    this.#report(cell, error, undefined)
    if (origin !== null) return this.#tellParent(cell, 'error', { error: plainError(error) })
    if (heir === null)
      return this.#parts.outputs.guarded(() => this.#parts.options.onEscalated?.({ path: cell.path, error }))
    cell.escalated = true
    const message = `${heir.path} failed with ${cell.path} below it, whose error is the cause`
    this.fail(heir, new RuntimeError('BRUME_RUNTIME_CHILD_FAILED', message, { cause: error }), null)
  }

  #closeBelow(cell: Cell): void {
    this.#parts.effects.gather(cell)
    for (const below of descendants(cell).reverse()) {
      if (below.isAlive || below.origin === null) this.#close(below, 'stopped')
      else this.#bury(below)
    }
  }

  /** A child that was done before its parent: nobody reads it any more. */
  #bury(cell: Cell): void {
    if (cell.status === 'stopped') return
    cell.status = 'stopped'
    this.#parts.persistence.bury(cell)
  }

  #close(cell: Cell, how: End, output?: Json): void {
    cell.escalated = false
    cell.waitsFor = null
    if (!cell.isAlive) return
    const { door, cells, watches, effects, persistence } = this.#parts
    // Before the halt, so that what it still starts finds it gone.
    cell.status = how
    // A failed root may be resurrected, with its timers.
    this.#halt(cell, how === 'failed' && cell.origin === null)
    if (how === 'stopped') persistence.bury(cell)
    else persistence.changed(cell)
    for (const mail of cell.mailbox.clear()) {
      if (mail.rank === 'own') mail.consumed?.()
      else door.lost(cell, mail, 'stopped')
    }
    watches.down(cell, REASON[how], output)
    effects.ended(cell)
    persistence.gone(cell)
    cells.ended(cell)
  }

  #halt(cell: Cell, keepsTimers = false): void {
    cell.restartTimer?.()
    cell.restartTimer = null
    this.#parts.effects.halt(cell, keepsTimers)
  }

  /** As XState names it; a stopped child is not told of. */
  #tellParent(cell: Cell, what: 'done' | 'error', fields: { readonly [key: string]: Json }): void {
    const { origin } = cell
    if (origin === null) return
    const event = { type: `xstate.${what}.actor.${origin.id}`, ...fields, actorId: origin.id }
    this.#parts.door.toParent(cell, origin.parent, event)
  }

  #report(cell: Cell, error: unknown, restartInMs: number | undefined): void {
    const { strategy } = superviseOf(cell)
    this.#parts.options.log.warn({ actor: cell.path, error, restartInMs, strategy }, 'actor failed')
    this.#parts.outputs.guarded(() => cell.options.onFailed?.({ path: cell.path, error, restartInMs }))
  }
}

function superviseOf(cell: Cell): { readonly strategy: Strategy; readonly policy: RestartPolicy } {
  const { origin, kind, options } = cell
  const given = origin === null ? options.supervise : kind.children?.[origin.src]
  const strategy =
    given?.strategy ?? (origin !== null ? 'escalate' : cell.durability === 'memory' ? 'restart' : 'resume')
  const { failuresMax, windowMs } = RESTART_POLICY
  const policy = { ...RESTART_POLICY, failuresMax: given?.max ?? failuresMax, windowMs: given?.withinMs ?? windowMs }
  return { strategy, policy }
}

/** All below, each before its own, in order of spawn. */
function descendants(cell: Cell): Cell[] {
  return [...cell.below].flatMap((below) => [below, ...descendants(below)])
}

/** A machine between it and `top`, or `top` itself, started it. */
function isOwned(cell: Cell, top: Cell): boolean {
  for (let at: Cell | null = cell; at !== null && at !== top; at = at.above) if (at.origin !== null) return true
  return false
}
