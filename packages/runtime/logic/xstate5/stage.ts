import type { AnyActorRef, AnyActorScope, ExecutableActionObject } from 'xstate'
import { RuntimeError } from '../../error.ts'
import { encodeSegment } from '../../segment.ts'
import type { Scope } from '../port.ts'
import { inertRef } from '../remote.ts'
import { type Slot, stepSlot } from '../slot.ts'

/** A child that was made in this step, by whichever of XState's three ways; as an entry it says when. */
export const CREATED = 'brume.created'

/** What the machine wanted, in order: XState's actions, built in or not, and children made. */
export type Entry = Pick<ExecutableActionObject, 'type' | 'params'> &
  Partial<Pick<ExecutableActionObject, 'info' | 'exec'>>

/** The parts of XState's `Actor` that are read here; no `instanceof`, for there may be several XStates. */
export interface ChildRef {
  id: string
  sessionId: string
  readonly src: unknown
  readonly _parent: unknown
  readonly options: { readonly input?: unknown; readonly systemId?: string }
  readonly _syncSnapshot?: boolean
  send: () => void
  getSnapshot: () => never
}

type System = AnyActorScope['system']

/** What XState gives as id to children whose maker gave none. */
const NO_ID = '\0'

/**
 * What XState's functions take for the actor around a machine. It is there once per logic and lent to one step at a
 * time: what would act records or throws, and what is asked is answered from the step's scope.
 */
export class Stage {
  readonly actorScope: AnyActorScope
  readonly self: AnyActorRef
  readonly #slot: Slot = stepSlot()
  #scope: Scope | null = null
  #entries: Entry[] = []

  constructor() {
    const system = this.#createSystem()
    this.self = this.#createSelf(system)
    this.actorScope = this.#createScope(this.self, system)
  }

  get scope(): Scope {
    if (this.#scope !== null) return this.#scope
    throw new RuntimeError(
      'BRUME_RUNTIME_OUTSIDE_STEP',
      'self was asked who it is after the step; ask within, by params'
    )
  }

  get entries(): readonly Entry[] {
    return this.#entries
  }

  /** Runs `work` as a step of this scope. Entries are those of the last step. */
  run<T>(scope: Scope, work: () => T): T {
    const outer = this.#slot.current
    this.#slot.current = scope
    this.#scope = scope
    this.#entries = []
    try {
      return work()
    } finally {
      this.#scope = null
      this.#slot.current = outer
    }
  }

  /** A child of this actor, of this or an earlier step, living or not. */
  isOwn(ref: unknown): ref is ChildRef {
    return typeof ref === 'object' && ref !== null && '_parent' in ref && ref._parent === this.self
  }

  #createScope(self: AnyActorRef, system: System): AnyActorScope {
    const refuse = () => {
      throw new RuntimeError('BRUME_RUNTIME_INERT', 'a child is stopped by stopChild, not within a step')
    }
    return {
      self,
      system,
      logger: () => {},
      defer: () => {},
      stopChild: refuse,
      emit: (event: unknown) => void this.#entries.push({ type: 'xstate.emit', params: { event } }),
      actionExecutor: (action: ExecutableActionObject) => void this.#entries.push(action),
      get id() {
        return self.id
      },
      get sessionId() {
        return self.sessionId
      }
    }
  }

  #createSelf(system: System): AnyActorRef {
    const parent = inertRef('#', { system })
    Object.defineProperty(parent, 'id', { get: () => idOf(this.scope.parent ?? '') })
    Object.defineProperty(parent, 'sessionId', { get: () => this.scope.parent })
    const self = inertRef('~self', { system })
    Object.defineProperty(self, 'id', { get: () => idOf(this.scope.address) })
    Object.defineProperty(self, 'sessionId', { get: () => this.scope.address })
    Object.defineProperty(self, '_parent', { get: () => (this.scope.parent === null ? undefined : parent) })
    return self
  }

  /** Own members are those that XState 5.33 touches on this way; behind them a proxy refuses all others. */
  #createSystem(): System {
    const members = {
      _bookId: () => NO_ID,
      _logger: undefined,
      _clock: undefined,
      _set: () => {},
      get: (systemId: string) => inertRef(`@${systemId}`),
      _sendInspectionEvent: (event: { readonly type: string; readonly actorRef: unknown }) => {
        if (event.type === '@xstate.actor') this.#created(event.actorRef as ChildRef)
      }
    }
    return Object.setPrototypeOf(members, REFUSING) as unknown as System
  }

  /** Called in the constructor of XState's `Actor`, before it computes a first snapshot. */
  #created(ref: ChildRef): void {
    if (typeof ref.src !== 'string') {
      const message =
        'a child was spawned from logic, not from the name of an actor in setup({ actors }): it could not be restored'
      throw new RuntimeError('BRUME_RUNTIME_CHILD_SRC', message)
    }
    if (ref.id === NO_ID || ref.id === 'undefined' || ref.id === '__proto__') {
      const message = `a child of '${ref.src}' has no id; give one: spawn('${ref.src}', { id })`
      throw new RuntimeError('BRUME_RUNTIME_CHILD_ID', message)
    }
    ref.sessionId = `${withoutIncarnation(this.scope.address)}/${segmentOf(ref)}`
    ref.send = () => refuseChild(ref, 'send')
    ref.getSnapshot = () => refuseChild(ref, 'getSnapshot')
    this.#entries.push({ type: CREATED, params: ref })
  }
}

const REFUSING = new Proxy(Object.create(null), {
  get: (_, key) => {
    if (typeof key === 'symbol') return undefined
    throw new RuntimeError(
      'BRUME_RUNTIME_INERT',
      `system.${key} is not there: actors of brume have no system in memory`
    )
  }
})

function refuseChild(ref: ChildRef, what: string): never {
  const message = `${what} of the child '${ref.id}' was called in a step; children are told by sendTo and answer by events`
  throw new RuntimeError('BRUME_RUNTIME_INERT', message)
}

function segmentOf(ref: ChildRef): string {
  try {
    return encodeSegment(ref.id)
  } catch (cause) {
    const message = `the id of a child of '${String(ref.src)}' makes no address; give a shorter one`
    throw new RuntimeError('BRUME_RUNTIME_CHILD_ID', message, { cause })
  }
}

/** Of an actor's address: what its parent calls it. */
function idOf(address: string): string {
  const path = withoutIncarnation(address)
  const segment = path.slice(path.lastIndexOf('/') + 1)
  return segment.includes('%') ? decodeURIComponent(segment) : segment
}

function withoutIncarnation(address: string): string {
  const hash = address.indexOf('#')
  return hash === -1 ? address : address.slice(0, hash)
}
