import { decode, encode } from '@brume/codec'
import type { Cancel } from '@brume/ports'
import { SimClock } from '@brume/testkit'
import type { AnyStateMachine } from 'xstate'
import type { ActorLogic, Effect, Event, Json, Step as LogicStep, Scope } from '../../logic/port.ts'
import { xstate5 } from '../../logic/xstate5/index.ts'
import { shown } from './live.ts'
import { newRecording, push, record } from './recorder.ts'
import type { Run, Sight, Step } from './run.ts'

interface Cell {
  readonly id: string
  readonly logic: ActorLogic
  readonly parent: Cell | null
  readonly sync: boolean
  readonly children: Map<string, Cell>
  readonly timers: Map<string, Cancel>
  state: unknown
  status: 'active' | 'done' | 'error' | 'stopped'
}

type Work = { readonly cell: Cell; readonly event: Event | { readonly init: Json } | 'stop' }

const ROOT = 'brume://12D3KooWAHoEkEqnKzM5PXFygh2movVBCSX3k8tDsT2cneU68Gyt/root'
const BYTES_MAX = 1_048_576

/** The adapter under the smallest kernel that can be: one queue, one clock, no failures but the last one. */
export function runAdapted(machine: AnyStateMachine, { restores }: { readonly restores: boolean }): Run {
  const driver = new Driver(xstate5(machine), restores)
  driver.drain()
  return driver
}

class Driver implements Run {
  readonly recording = newRecording()
  hasFailed = false
  /**
   * A timer was armed under a name that one had: here it takes its place, in XState both come, and one can never be
   * cancelled. It happens where XState enters a state again that it had not left.
   */
  hasDoubled = false
  readonly #restores: boolean
  readonly #clock = new SimClock()
  readonly #queue: Work[] = []
  readonly #root: Cell
  #unnamed = 0

  constructor(logic: ActorLogic, restores: boolean) {
    this.#restores = restores
    this.#root = this.#newCell('root', logic, null, false)
    this.#queue.push({ cell: this.#root, event: { init: null } })
  }

  do(step: Step): void {
    if ('waitMs' in step) return this.#clock.run(step.waitMs)
    this.#queue.push({ cell: this.#root, event: { type: step.send } })
    this.drain()
  }

  sight(): Sight {
    const { logic, state, status } = this.#root
    const { value, context, output, tags } = logic.view(state)
    return { status, value, context: shown(context), output, tags: [...tags].sort() }
  }

  drain(): void {
    record(this.recording)
    for (let work = this.#queue.shift(); work !== undefined; work = this.#queue.shift()) this.#work(work)
  }

  #newCell(id: string, logic: ActorLogic, parent: Cell | null, sync: boolean): Cell {
    return { id, logic, parent, sync, children: new Map(), timers: new Map(), state: undefined, status: 'active' }
  }

  #work({ cell, event }: Work): void {
    if (cell.status !== 'active') return
    if (event === 'stop') return this.#stop(cell)
    let step: LogicStep<unknown>
    try {
      step = 'init' in event ? cell.logic.init(event.init as Json, scopeOf(cell)) : this.#step(cell, event as Event)
    } catch (error) {
      return this.#fail(cell, error)
    }
    cell.state = step.state
    for (const effect of step.effects) this.#effect(cell, effect)
    this.#settle(cell)
  }

  #step(cell: Cell, event: Event): LogicStep<unknown> {
    if (this.#restores) {
      const bytes = encode(cell.logic.persist(cell.state) as unknown as Json, { floats: true })
      const stored = decode(bytes, { bytesMax: BYTES_MAX, depthMax: 64, itemsMax: 100_000, floats: true }) as Json
      cell.state = cell.logic.restore(stored, scopeOf(cell))
    }
    return cell.logic.step(cell.state, event, scopeOf(cell))
  }

  #settle(cell: Cell): void {
    const { id, parent } = cell
    const { status, output, ...view } = cell.logic.view(cell.state)
    if (status === 'done') {
      cell.status = 'done'
      this.#cancelAll(cell)
      this.#tell(parent, { type: `xstate.done.actor.${id}`, actorId: id, ...(output === undefined ? {} : { output }) })
    } else if (cell.sync) this.#tell(parent, { type: `xstate.snapshot.${id}`, snapshot: { status, ...view } } as Event)
  }

  #fail(cell: Cell, error: unknown): void {
    this.hasFailed = true
    cell.status = 'error'
    this.#cancelAll(cell)
    const { id } = cell
    this.#tell(cell.parent, { type: `xstate.error.actor.${id}`, error: String(error), actorId: id })
  }

  #stop(cell: Cell): void {
    for (const child of cell.children.values()) this.#stop(child)
    cell.status = 'stopped'
    this.#cancelAll(cell)
  }

  #tell(cell: Cell | null | undefined, event: Event): void {
    if (cell) this.#queue.push({ cell, event })
  }

  #cancelAll(cell: Cell): void {
    for (const cancel of cell.timers.values()) cancel()
    cell.timers.clear()
  }

  #effect(cell: Cell, effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(cell, effect)
      case 'timer':
        return this.#arm(cell, effect.id, effect.delayMs, () => this.#tell(cell, effect.event))
      case 'cancel':
        return this.#cancel(cell, effect.id)
      case 'spawn':
        return this.#spawn(cell, effect)
      case 'stop': {
        const child = cell.children.get(effect.id)
        cell.children.delete(effect.id)
        if (child) this.#queue.push({ cell: child, event: 'stop' })
        return
      }
      case 'emit':
        return push(this.recording.emitted, cell.id, effect.event)
      case 'inline':
        return void effect.run()
      case 'log':
        return
      default:
        throw new Error(`no machine here wants ${effect.kind}`)
    }
  }

  #send(cell: Cell, { to, event, id, delayMs }: Extract<Effect, { kind: 'send' }>): void {
    const target = to === '#' ? cell.parent : cell.children.get(to.slice(1))
    if (delayMs === undefined) this.#tell(target, event)
    else this.#arm(cell, id, delayMs, () => this.#tell(target, event))
  }

  #arm(cell: Cell, id: string | undefined, delayMs: number, run: () => void): void {
    const name = id ?? `~${this.#unnamed++}`
    if (cell.timers.has(name)) this.hasDoubled = true
    this.#cancel(cell, name)
    const cancel = this.#clock.after(delayMs, () => {
      cell.timers.delete(name)
      run()
      this.drain()
    })
    cell.timers.set(name, cancel)
  }

  #cancel(cell: Cell, id: string): void {
    cell.timers.get(id)?.()
    cell.timers.delete(id)
  }

  #spawn(cell: Cell, { id, src, input, syncSnapshot }: Extract<Effect, { kind: 'spawn' }>): void {
    const child = cell.logic.child(src)
    if (child?.kind !== 'logic') throw new Error(`no actor ${src}`)
    const born = this.#newCell(id, child.logic, cell, syncSnapshot)
    cell.children.set(id, born)
    this.#queue.push({ cell: born, event: { init: input } })
  }
}

function scopeOf(cell: Cell): Scope {
  const path: string[] = []
  for (let at: Cell | null = cell; at !== null && at.parent !== null; at = at.parent) path.unshift(at.id)
  const address = [ROOT, ...path].join('/')
  return {
    address: `${address}#1`,
    parent: cell.parent === null ? null : `${[ROOT, ...path.slice(0, -1)].join('/')}#1`,
    nowMs: 0,
    sender: null,
    ask: null,
    random: (length) => new Uint8Array(length)
  }
}
