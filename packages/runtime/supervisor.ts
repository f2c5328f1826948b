import type { Cell } from './cell.ts'
import { RuntimeError } from './error.ts'
import { judgeFailure, NO_FAILURES } from './kernel/supervision.ts'
import { isBelow } from './path.ts'
import type { CellStatus, KernelOptions } from './types.ts'

interface SupervisorHooks {
  readonly changed: (cell: Cell, error: unknown) => void
  readonly runnable: (cell: Cell) => void
  readonly guarded: (path: string, run: () => void) => void
}

/**
 * Starts, restarts and ends cells. Paths make families: who is below a cell stops when it fails and starts
 * again with it, so `escalate` below a `restart` restarts the family.
 */
export class Supervisor {
  readonly #options: KernelOptions
  readonly #cells: ReadonlyMap<string, Cell>
  readonly #hooks: SupervisorHooks

  constructor(options: KernelOptions, cells: ReadonlyMap<string, Cell>, hooks: SupervisorHooks) {
    this.#options = options
    this.#cells = cells
    this.#hooks = hooks
  }

  /** First start, or a wait if the cell above waits itself. */
  begin(cell: Cell): void {
    const above = this.#above(cell)
    if (above?.status === 'backoff') {
      cell.waitsFor = above.waitsFor ?? above
      this.#become(cell, 'backoff')
    } else {
      this.#start(cell)
    }
  }

  /** The cell's actor has failed, or one below gave up: `error` says which. */
  fail(cell: Cell, error: unknown): void {
    if (cell.status !== 'starting' && cell.status !== 'active') return
    cell.halt()
    this.#suspendBelow(cell)
    if (cell.options.strategy === 'stop') return this.#giveUp(cell, error)
    if (cell.options.strategy === 'escalate') return this.#escalate(cell, error)
    const { clock, random } = this.#options
    const judgement = judgeFailure(cell.history, clock.now(), random.float())
    if (judgement.kind === 'escalate') return this.#escalate(cell, error)
    cell.history = judgement.history
    cell.restartTimer = clock.after(judgement.delayMs, () => this.#restart(cell))
    this.#become(cell, 'backoff', error)
    this.#report(cell, error, judgement.delayMs)
  }

  /** Final: those below stop first, last spawned first. */
  end(cell: Cell, how: 'done' | 'stopped'): void {
    if (!cell.isAlive) return
    for (const below of this.#below(cell).reverse()) this.#close(below, 'stopped')
    this.#close(cell, how)
  }

  #start(cell: Cell): void {
    cell.waitsFor = undefined
    cell.escalated = false
    this.#become(cell, 'starting')
    if (cell.status !== 'starting') return
    cell.start()
    // The start may have failed, finished, or been stopped by one of its own actions.
    if (statusOf(cell) !== 'starting') return
    this.#become(cell, 'active')
    this.#hooks.runnable(cell)
  }

  #restart(cell: Cell): void {
    cell.restartTimer = undefined
    cell.restarts += 1
    this.#start(cell)
    for (const below of this.#below(cell)) {
      if (cell.status !== 'active') return
      if (below.waitsFor !== cell) continue
      below.restarts += 1
      below.history = NO_FAILURES
      this.#start(below)
    }
  }

  #suspendBelow(cell: Cell): void {
    for (const below of this.#below(cell).reverse()) {
      if (!below.isAlive && !below.escalated) continue
      below.halt()
      below.waitsFor = cell
      if (below.status !== 'backoff') this.#become(below, 'backoff')
    }
  }

  #giveUp(cell: Cell, error: unknown): void {
    for (const below of this.#below(cell).reverse()) this.#close(below, 'stopped')
    this.#close(cell, 'stopped', error)
    this.#report(cell, error, undefined)
  }

  #escalate(cell: Cell, error: unknown): void {
    this.#close(cell, 'failed', error)
    this.#report(cell, error, undefined)
    const above = this.#above(cell)
    if (above) {
      cell.escalated = true
      const message = `${above.path} failed with ${cell.path} below it, whose error is the cause`
      return this.fail(above, new RuntimeError('BRUME_RUNTIME_CHILD_FAILED', message, { cause: error }))
    }
    for (const below of this.#below(cell).reverse()) this.#close(below, 'stopped')
    const { onEscalated } = this.#options
    this.#hooks.guarded(cell.path, () => onEscalated?.({ path: cell.path, error, restartInMs: undefined }))
  }

  #close(cell: Cell, status: 'done' | 'failed' | 'stopped', error?: unknown): void {
    cell.escalated = false
    cell.waitsFor = undefined
    if (!cell.isAlive) return
    // Before the halt, so that what the actor does while it stops finds it gone.
    cell.status = status
    cell.halt()
    const lost = cell.mailbox.clear()
    if (lost > 0) cell.options.log.warn({ lost, status }, 'ended with events waiting')
    this.#hooks.changed(cell, error)
  }

  #become(cell: Cell, status: CellStatus, error?: unknown): void {
    cell.status = status
    this.#hooks.changed(cell, error)
  }

  #report(cell: Cell, error: unknown, restartInMs: number | undefined): void {
    const { log, onFailed } = cell.options
    log.warn({ error, restartInMs, strategy: cell.options.strategy }, 'actor failed')
    this.#hooks.guarded(cell.path, () => onFailed?.({ path: cell.path, error, restartInMs }))
  }

  /** In order of spawn. */
  #below(cell: Cell): Cell[] {
    return [...this.#cells.values()].filter((other) => isBelow(other.path, cell.path))
  }

  /** The nearest living cell whose path this one's begins with. */
  #above(cell: Cell): Cell | undefined {
    for (let cut = cell.path.lastIndexOf('/'); cut > 0; cut = cell.path.lastIndexOf('/', cut - 1)) {
      const above = this.#cells.get(cell.path.slice(0, cut))
      if (above?.isAlive) return above
    }
    return undefined
  }
}

/** Reads the status anew where the type checker believes to know it from before a call. */
function statusOf(cell: Cell): CellStatus {
  return cell.status
}
