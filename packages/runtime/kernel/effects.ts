import { RuntimeError } from '../error.ts'
import { plain } from '../logic/plain.ts'
import type { Child, Effect, Event } from '../logic/port.ts'
import type { Cell, CellTimer } from './cell.ts'
import type { StoredActor } from './durable/port.ts'
import type { Parts } from './parts.ts'
import type { DeadLetter } from './port.ts'

/** What one actor may have going; beyond them it fails. They bound the events that pass the mailbox's bound. */
const TIMERS_MAX = 1_024
const CHILDREN_MAX = 4_096
const WATCHES_MAX = 4_096

/** What XState calls a function that has no name of its own: that of the place where it stands. */
const UNNAMED: ReadonlySet<string> = new Set(['', '(anonymous)', 'entry', 'exit', 'actions', 'action'])

type Of<K extends Effect['kind']> = Extract<Effect, { kind: K }>

/** Does what steps want done: nothing of it leaves before the step's batch is on disk. */
export class Effects {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Before any effect of the step is done. @throws RuntimeError for one that cannot be: the step failed then */
  check(cell: Cell, effect: Effect): void {
    if (effect.kind === 'spawn') this.#childOf(cell, effect.src)
    else if (effect.kind === 'run') this.#parts.runs.check(cell, effect.type)
    else if (effect.kind === 'inline') this.#checkInline(cell, effect.type)
    else if (effect.kind === 'send') this.#checkTarget(effect.to)
  }

  /** @param index - of the effect in its step. @throws what makes the actor fail */
  perform(cell: Cell, effect: Effect, index: number): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(cell, effect)
      case 'timer':
        return this.#arm(cell, effect.id, effect.event, null, effect.delayMs)
      case 'cancel':
        return this.#cancel(cell, effect.id)
      case 'spawn':
        return this.#spawn(cell, effect)
      case 'stop':
        return this.#stop(cell, effect.id)
      case 'emit':
        return this.#parts.watches.emitted(cell, effect.event)
      case 'reply':
        return this.#reply(cell, effect)
      case 'inline':
        return this.#inline(cell, effect, index)
      case 'run':
        return this.#parts.runs.start(cell, effect.type, effect.params, index)
      case 'watch':
        return this.#watch(cell, effect.target)
      case 'unwatch':
        return this.#unwatch(cell, effect.target)
      case 'log':
        return this.#parts.options.log.debug({ actor: cell.path, value: effect.value }, 'the actor logged')
    }
  }

  /** What an incarnation had going ends with it, but for the custom actions of one that is done: its last step wanted them. */
  halt(cell: Cell, keepsTimers = false): void {
    for (const timer of cell.timers.values()) timer.cancel()
    if (!keepsTimers) cell.timers.clear()
    for (const cancel of cell.watching.values()) cancel()
    cell.watching.clear()
    for (const actor of cell.actors.values()) actor.stop()
    cell.actors.clear()
    cell.children.clear()
    if (cell.status !== 'done') this.#parts.runs.abort(cell)
  }

  /** It leaves memory and lives on. */
  leave(cell: Cell): void {
    for (const timer of cell.timers.values()) timer.cancel()
    for (const cancel of cell.watching.values()) cancel()
    for (const actor of cell.actors.values()) actor.stop()
    this.#parts.runs.leave(cell)
  }

  /** Of an actor that came back from the disk: timers in due order, overdue ones at once, watches, effects. */
  goOn(cell: Cell, { timers, watching, children }: Pick<StoredActor, 'timers' | 'watching' | 'children'>): void {
    const nowMs = this.#parts.persistence.nowMs(cell)
    const due = [...timers].sort((a, b) => a.dueMs - b.dueMs)
    for (const timer of due) this.#wait(cell, { ...timer, cancel: () => {} }, Math.max(0, timer.dueMs - nowMs))
    for (const target of watching) this.#watch(cell, target)
    for (const { id, src, input, syncSnapshot } of children) {
      const child = cell.logic.child(src)
      if (child?.kind === 'effect') this.#parts.live.start(cell, { id, src, input, syncSnapshot, logic: child.logic })
    }
  }

  /** Children on disk come into memory, to end with it. */
  gather(cell: Cell): void {
    if (cell.durability === 'memory') return
    const { cells, places, persistence } = this.#parts
    for (const id of cell.children.keys()) {
      if (cell.actors.has(id)) continue
      const path = places.below(cell.path, id)
      const child = cells.get(path) ?? persistence.activate(path)
      if (typeof child !== 'string') this.gather(child)
    }
  }

  /** The cell is closed for good. */
  ended(cell: Cell): void {
    this.#parts.aliases.leave(cell)
  }

  #send(cell: Cell, { to, event, id, delayMs }: Of<'send'>): void {
    if (delayMs === undefined) this.#sendNow(cell, to, event)
    else this.#arm(cell, id, event, to, delayMs)
  }

  #sendNow(cell: Cell, to: string, event: Event): void {
    const actor = to.startsWith('#') ? cell.actors.get(to.slice(1)) : undefined
    if (actor !== undefined) return this.#parts.outputs.release(cell.batch, () => actor.send(event))
    const target = this.#targetOf(cell, to)
    if (target === null) return this.#lost('noactor', to, cell, event)
    const place = this.#parts.places.find(target)
    if (!place.isHere) return this.#parts.outgoing.send(cell, target, event)
    const { door, persistence } = this.#parts
    const found = door.find(place)
    if (found === 'moved') return this.#parts.outgoing.send(cell, persistence.movedTo(place.path) ?? target, event)
    if (typeof found === 'string') return this.#lost(found, target, cell, event)
    door.fromActor(cell, found, event, persistence.handover(cell, found, 'mail', event))
  }

  /** Null: there is none of that name. */
  #targetOf(cell: Cell, to: string): string | null {
    if (to === '#') return cell.origin?.parent.path ?? null
    if (to.startsWith('#')) return this.#parts.places.below(cell.path, to.slice(1))
    if (to.startsWith('@')) return this.#parts.aliases.find(cell, to.slice(1)) ?? null
    return to
  }

  #lost(reason: DeadLetter['reason'], to: string, from: Cell, event: Event): void {
    this.#parts.letters.add(reason, to, from.self, event)
  }

  #arm(cell: Cell, given: string | undefined, event: Event, to: string | null, delayMs: number): void {
    const id = given ?? nameless(cell)
    this.#cancel(cell, id)
    assertBelow(cell.timers.size, TIMERS_MAX, cell, 'timers')
    const dueMs = this.#parts.persistence.nowMs(cell) + delayMs
    this.#wait(cell, { id, event, to, delayMs, dueMs, cancel: () => {} }, delayMs)
  }

  #wait(cell: Cell, timer: CellTimer, restMs: number): void {
    const { id, event, to } = timer
    timer.cancel = this.#parts.timers.after(restMs, () => {
      if (to === null) return this.#parts.door.own(cell, event, cell.batch, { timer })
      cell.timers.delete(id)
      this.#parts.persistence.changed(cell)
      this.#sendNow(cell, to, event)
    })
    cell.timers.set(id, timer)
  }

  #cancel(cell: Cell, id: string): void {
    cell.timers.get(id)?.cancel()
    cell.timers.delete(id)
  }

  #spawn(cell: Cell, { id, src, input, systemId, syncSnapshot }: Of<'spawn'>): void {
    this.#stop(cell, id)
    // What was on its way to one of that name before is not for this one.
    for (const timer of [...cell.timers.values()]) if (timer.to === `#${id}`) this.#cancel(cell, timer.id)
    assertBelow(cell.children.size, CHILDREN_MAX, cell, 'children')
    const child = this.#childOf(cell, src)
    const origin = { parent: cell, id, src, syncSnapshot, systemId: systemId ?? null }
    cell.children.set(id, { id, src, incarnation: 0, input, syncSnapshot, systemId: origin.systemId })
    if (child.kind === 'effect') this.#parts.live.start(cell, { id, src, input, syncSnapshot, logic: child.logic })
    else this.#parts.spawner.child(cell, child.logic, origin, input)
  }

  #childOf(cell: Cell, src: string): Child {
    const child = cell.logic.child(src)
    if (child !== undefined) return child
    throw new RuntimeError('BRUME_RUNTIME_CHILD_SRC', `${cell.path} starts ${src}, which its setup does not name`)
  }

  #checkInline(cell: Cell, type: string): void {
    if (cell.durability === 'memory' || cell.kind.effects?.[type] !== undefined) return
    const what = UNNAMED.has(type) ? 'one of its actions (entry, exit or actions)' : `its action ${type}`
    const message = `${cell.path} is kept on disk, and ${what} is a function, which a crash may skip or repeat: use assign, raise, sendTo or emit, name it among the effects at register, or spawn with durability 'memory'`
    throw new RuntimeError('BRUME_RUNTIME_EFFECT', message)
  }

  #checkTarget(to: string): void {
    if (!to.startsWith('#') && !to.startsWith('@')) this.#parts.places.find(to)
  }

  #stop(cell: Cell, id: string): void {
    cell.actors.get(id)?.stop()
    cell.actors.delete(id)
    const isKnown = cell.children.get(id)
    if (isKnown === undefined) return
    const { cells, places, supervisor, persistence, door } = this.#parts
    const child = door.find({ isHere: true, authority: '', path: places.below(cell.path, id), incarnation: null })
    cell.children.delete(id)
    if (typeof child === 'string' || child.origin?.parent !== cell) return
    if (child.isAlive) supervisor.end(child, 'stopped')
    else persistence.bury(child)
    cells.remove(child)
  }

  #reply(cell: Cell, { token, value }: Of<'reply'>): void {
    const asker = this.#parts.asks.take(token)
    if (asker === undefined) return
    this.#parts.persistence.answered(cell, asker.key, value)
    this.#parts.outputs.release(cell.batch, () => asker.replied(value))
  }

  /** A rejection that comes when the actor is another incarnation harms no successor. */
  #inline(cell: Cell, { type, params, run }: Of<'inline'>, index: number): void {
    if (cell.kind.effects?.[type] !== undefined) return this.#parts.runs.start(cell, type, plain(params ?? null), index)
    const { self } = cell
    const failed = (error: unknown): void => {
      if (cell.self === self) this.#parts.scheduler.held(() => this.#parts.supervisor.fail(cell, error, null))
    }
    const act = (): void => {
      const result = run()
      if (result instanceof Promise) result.catch(failed)
    }
    if (this.#parts.outputs.isFree(cell.batch)) return act()
    this.#parts.outputs.release(cell.batch, () => {
      if (cell.self !== self) return
      try {
        act()
      } catch (error) {
        failed(error)
      }
    })
  }

  #watch(cell: Cell, target: string): void {
    this.#unwatch(cell, target)
    assertBelow(cell.watching.size, WATCHES_MAX, cell, 'watches')
    const cancel = this.#parts.remotes.watch(this.#targetOf(cell, target) ?? target, (down) => {
      this.#parts.scheduler.held(() => this.#parts.door.own(cell, { type: 'brume.down', ...down }, 0))
    })
    cell.watching.set(target, cancel)
  }

  #unwatch(cell: Cell, target: string): void {
    cell.watching.get(target)?.()
    cell.watching.delete(target)
  }
}

/** No id that XState makes has a space. The count begins anew where the actor comes back to memory, its timers are there. */
function nameless(cell: Cell): string {
  for (;;) {
    const id = ` ${cell.nameless++}`
    if (!cell.timers.has(id)) return id
  }
}

function assertBelow(count: number, max: number, cell: Cell, of: string): void {
  if (count < max) return
  throw new RuntimeError(
    'BRUME_RUNTIME_LIMIT',
    `${cell.path} has ${count} ${of} already; no actor may have more than ${max}`
  )
}
