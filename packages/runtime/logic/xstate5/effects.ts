import type { AnyMachineSnapshot, ExecutableActionObject } from 'xstate'
import { RuntimeError } from '../../error.ts'
import { REMINDER, REPLY, type ReminderParams, type ReplyParams, UNWATCH, WATCH, type WatchParams } from '../actions.ts'
import type { Effect, Event, Json } from '../port.ts'
import { addressOf, inertRef } from '../remote.ts'
import { type ChildRef, CREATED, type Entry, type Stage } from './stage.ts'

type Children = Readonly<Record<string, unknown>>

/** What leaves the step: checked and frozen, or as it is. */
export type Settle = (value: unknown) => Json

interface SendParams {
  readonly to: unknown
  readonly event: Event
  readonly id?: unknown
  readonly delay?: unknown
}

const NONE: readonly Effect[] = Object.freeze([])
const REMINDER_EVENT = `${REMINDER}.`

/** What a step of a machine wants done, of what XState said during it. */
export function effectsOf(
  stage: Stage,
  before: Children,
  after: AnyMachineSnapshot,
  event: Event | null,
  settle: Settle
): readonly Effect[] {
  const rearmed = event?.type.startsWith(REMINDER_EVENT) ? [rearm(event)] : undefined
  if (stage.entries.length === 0) return rearmed ?? NONE
  const writer = new Writer(stage, before, after, settle, rearmed)
  for (const entry of stage.entries) writer.write(entry)
  return writer.effects
}

/** The reminder goes on from the step that handles it. */
function rearm(event: Event): Effect {
  const { id, everyMs } = event
  return { kind: 'timer', id: String(id), event, delayMs: Number(everyMs) }
}

class Writer {
  readonly effects: Effect[]
  readonly #stage: Stage
  readonly #before: Children
  readonly #after: Children
  readonly #settle: Settle
  /** Children of before that this step has stopped so far. */
  readonly #gone = new Set<unknown>()
  /** Refs that were stopped at some time of this step: one that was also made in it never starts, as in XState. */
  #stopped: ReadonlySet<unknown> | undefined

  constructor(stage: Stage, before: Children, after: AnyMachineSnapshot, settle: Settle, effects: Effect[] = []) {
    this.#stage = stage
    this.#before = before
    this.#after = after.children
    this.#settle = settle
    this.effects = effects
  }

  write(entry: Entry): void {
    const params = entry.params as never
    switch (entry.type) {
      case 'xstate.raise':
        return this.#raise(params)
      case 'xstate.sendTo':
        return this.#send(params)
      case 'xstate.cancel':
        return this.#cancel(params)
      case 'xstate.emit':
        return this.#add({ kind: 'emit', event: this.#event((params as SendParams).event) })
      case 'xstate.log':
        return this.#log(params)
      case 'xstate.stopChild':
        return this.#stop(params)
      case 'xstate.spawnChild':
        return assertKnown(params)
      case CREATED:
        return this.#spawn(params)
      case REPLY:
        return this.#reply(params)
      case REMINDER:
        return this.#remind(params)
      case WATCH:
        return this.#add({ kind: 'watch', target: (params as WatchParams).target })
      case UNWATCH:
        return this.#add({ kind: 'unwatch', target: (params as WatchParams).target })
      default:
        return this.#custom(entry)
    }
  }

  #add(effect: Effect): void {
    this.effects.push(effect)
  }

  #event(event: unknown): Event {
    return this.#settle(event) as Event
  }

  #raise({ event, id, delay }: SendParams): void {
    // Without a delay the machine has consumed it within the step.
    if (typeof delay === 'number')
      this.#add({ kind: 'timer', ...named(id), event: this.#event(event), delayMs: valid(delay) })
  }

  #send({ to, event: sent, id, delay }: SendParams): void {
    const target = this.#target(to)
    if (target === null) return
    const { self } = this.#stage
    const isError = sent.type === 'xstate.error'
    const event = this.#event(
      isError ? { type: `xstate.error.actor.${self.id}`, error: sent.data, actorId: self.id } : sent
    )
    if (typeof delay !== 'number') return this.#add({ kind: 'send', to: target, event })
    if (to === self) return this.#add({ kind: 'timer', ...named(id), event, delayMs: valid(delay) })
    this.#add({ kind: 'send', to: target, event, ...named(id), delayMs: valid(delay) })
  }

  /** Null for a child that lives no more: what is sent to it is lost, as in XState. */
  #target(to: unknown): string | null {
    const { self, scope } = this.#stage
    if (to === self) return scope.address
    if (this.#stage.isOwn(to)) return this.#isReachable(to) ? `#${to.id}` : null
    const address = typeof to === 'object' && to !== null ? addressOf(to) : undefined
    if (address !== undefined) return address
    const message = 'sendTo takes an own child, self, the parent, system.get(id) or remote(address)'
    throw new RuntimeError('BRUME_RUNTIME_TARGET', message)
  }

  #isReachable(ref: ChildRef): boolean {
    return this.#before[ref.id] === ref ? !this.#gone.has(ref) : this.#isBorn(ref)
  }

  /** Of a child made in this step: it is there at its end. */
  #isBorn(ref: ChildRef): boolean {
    this.#stopped ??= new Set(this.#stage.entries.filter(({ type }) => type === 'xstate.stopChild').map(paramsOf))
    return this.#after[ref.id] === ref && !this.#stopped.has(ref)
  }

  #spawn(ref: ChildRef): void {
    if (!this.#isBorn(ref)) return
    const replaced = this.#before[ref.id]
    if (replaced !== undefined) this.#end(ref.id, replaced)
    const { systemId, input } = ref.options
    this.#add({
      kind: 'spawn',
      id: ref.id,
      src: String(ref.src),
      input: input === undefined ? null : this.#settle(input),
      ...(systemId === undefined ? {} : { systemId }),
      syncSnapshot: ref._syncSnapshot ?? false
    })
  }

  #stop(ref: unknown): void {
    // XState says it of names that no child has, too.
    if (ref === undefined) return
    if (!this.#stage.isOwn(ref)) throw new RuntimeError('BRUME_RUNTIME_TARGET', 'stopChild takes an own child')
    if (this.#before[ref.id] === ref) this.#end(ref.id, ref)
  }

  #end(id: string, ref: unknown): void {
    if (this.#gone.has(ref)) return
    this.#gone.add(ref)
    this.#add({ kind: 'stop', id })
  }

  #cancel({ sendId }: { readonly sendId: unknown }): void {
    if (typeof sendId === 'string') this.#add({ kind: 'cancel', id: sendId })
  }

  #log({ value, label }: { readonly value: unknown; readonly label?: string }): void {
    this.#add({ kind: 'log', value: label ? [label, value] : value })
  }

  #reply({ token, value }: ReplyParams): void {
    if (token !== null) this.#add({ kind: 'reply', token, value: value === undefined ? null : this.#settle(value) })
  }

  #remind({ id, everyMs }: ReminderParams): void {
    this.#add({ kind: 'timer', id, event: { type: `${REMINDER_EVENT}${id}`, id, everyMs }, delayMs: valid(everyMs) })
  }

  #custom({ type, info, params, exec }: Entry): void {
    if (exec === undefined) {
      return this.#add({ kind: 'run', type, params: params === undefined ? null : this.#settle(params) })
    }
    // It runs when the step is over, and the stage belongs to another.
    const { id } = this.#stage.self
    const later = { ...info, self: inertRef(this.#stage.scope.address, { id }) } as ExecutableActionObject['info']
    this.#add({ kind: 'inline', type, params, run: () => exec(later, params) })
  }
}

function paramsOf({ params }: Entry): unknown {
  return params
}

function named(id: unknown): { readonly id?: string } {
  return typeof id === 'string' ? { id } : {}
}

/** Timers round up to what the clock can tell; a delay below 0 is none, as in XState. */
function valid(delayMs: number): number {
  if (Number.isFinite(delayMs)) return Math.max(0, delayMs)
  throw new RuntimeError('BRUME_RUNTIME_DELAY', `a delay of ${delayMs} ms; it takes a finite number`)
}

function assertKnown({ actorRef, src }: { readonly actorRef: unknown; readonly src: unknown }): void {
  if (actorRef !== undefined) return
  throw new RuntimeError('BRUME_RUNTIME_CHILD_SRC', `no actor '${String(src)}' is in the machine's setup({ actors })`)
}
