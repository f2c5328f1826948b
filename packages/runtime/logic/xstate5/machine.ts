import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import { plain } from '../plain.ts'
import type { ActorLogic, Child, Effect, Event, Json, Scope, Step, View } from '../port.ts'
import { effectsOf, type Settle } from './effects.ts'
import { actorOf, inertCopy } from './inert.ts'
import { persist, restore, type Shapes } from './record.ts'
import { type ChildRef, Stage } from './stage.ts'

/**
 * When contexts and what leaves an actor are checked to be plain, and frozen. `step`: in each step, what is new of
 * them. `store`: when they are stored or shown. `none`: never; for actors that are neither.
 */
export type Checks = 'step' | 'store' | 'none'

export interface MachineOptions {
  /** 32 bytes. */
  readonly id: Uint8Array
  readonly checks: Checks
  /** What kind of actor a child's logic makes; without it there are no children. */
  readonly child?: (logic: unknown) => Child | undefined
}

/**
 * An XState 5 machine as data: XState computes what comes next and what the machine wants, and does none of it. The
 * machine may be of another realm or another copy of XState. Needs nothing of Node.
 */
export function machineLogic(machine: AnyStateMachine, options: MachineOptions): ActorLogic<AnyMachineSnapshot> {
  return new MachineLogic(machine, options)
}

const asIs: Settle = (value) => value as Json

class MachineLogic implements ActorLogic<AnyMachineSnapshot> {
  readonly id: Uint8Array
  readonly #machine: AnyStateMachine
  readonly #inert: AnyStateMachine
  readonly #stage = new Stage()
  readonly #options: MachineOptions
  readonly #settle: Settle
  readonly #keep = (ref: object) => this.#stage.isOwn(ref)
  readonly #children = new Map<string, Child | undefined>()
  readonly #shapes: Shapes = new Map()

  constructor(machine: AnyStateMachine, options: MachineOptions) {
    this.id = options.id
    this.#machine = machine
    this.#inert = inertCopy(machine)
    this.#options = options
    this.#settle = options.checks === 'step' ? plain : asIs
  }

  init(input: Json, scope: Scope): Step<AnyMachineSnapshot> {
    return this.#stage.run(scope, () => {
      const next = this.#inert.getInitialSnapshot(this.#stage.actorScope, input ?? undefined)
      return this.#finish(NO_CHILDREN, next, null)
    })
  }

  step(state: AnyMachineSnapshot, event: Event, scope: Scope): Step<AnyMachineSnapshot> {
    if (state.status !== 'active') return { state, effects: NO_EFFECTS }
    return this.#stage.run(scope, () => {
      const next = this.#inert.transition(state, event, this.#stage.actorScope)
      return this.#finish(state, next, event)
    })
  }

  persist(state: AnyMachineSnapshot) {
    return persist(this.#stage, state)
  }

  restore(stored: Json, scope: Scope): AnyMachineSnapshot {
    return this.#stage.run(scope, () => {
      const state = restore(this.#stage, this.#inert, stored, this.#shapes)
      if (this.#options.checks === 'step') state.context = plain(state.context, { keep: this.#keep })
      return state
    })
  }

  view({ status, value, context, tags, output }: AnyMachineSnapshot): View {
    const view = { status, value, context: this.#shown(context), tags: [...tags] }
    return output === undefined ? view : { ...view, output }
  }

  status({ status }: AnyMachineSnapshot) {
    return status
  }

  child(src: string): Child | undefined {
    if (!this.#children.has(src)) {
      const logic = actorOf(this.#machine, src)
      this.#children.set(src, logic === undefined ? undefined : this.#options.child?.(logic))
    }
    return this.#children.get(src)
  }

  /** Its children by their addresses. */
  #shown(context: unknown): Json {
    if (this.#options.checks === 'none') return context as Json
    return plain(context, { keep: this.#keep, replace: (ref) => (ref as ChildRef).sessionId })
  }

  #finish(before: Pick<AnyMachineSnapshot, 'children'>, next: AnyMachineSnapshot, event: Event | null) {
    // XState keeps the error of an initial state, and that of a child nobody handles, in the snapshot.
    if (next.status === 'error') throw next.error
    const effects = effectsOf(this.#stage, before.children, next, event, this.#settle)
    if (next !== before) this.#seal(next)
    return { state: next, effects }
  }

  /** A snapshot that was made in this step, before anyone else sees it. */
  #seal(next: AnyMachineSnapshot): void {
    if (this.#options.checks === 'step') {
      next.context = plain(next.context, { keep: this.#keep })
      if (next.output !== undefined) next.output = plain(next.output)
    }
    // They were stopped when it ended, and XState still lists them.
    if (next.status !== 'active') next.children = {}
  }
}

const NO_CHILDREN = { children: {} }
const NO_EFFECTS: readonly Effect[] = Object.freeze([])
