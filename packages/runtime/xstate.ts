import type { Clock, Log } from '@brume/ports'
import { type AnyActorLogic, type AnyActorScope, createActor, type EventObject, type Snapshot } from 'xstate'

/** One XState actor under the kernel, with everything that would escape to the process led back. */
export interface Incarnation {
  start(): void
  send(event: EventObject): void
  snapshot(): Snapshot<unknown>
  /** Stops it and its children. */
  stop(): void
}

export interface IncarnationOptions {
  readonly input: unknown
  readonly clock: Clock
  readonly log: Log
  /** A throw in a guard, assign or action, a rejected async action, or the failure of a child that the machine does not handle. */
  readonly failed: (error: unknown) => void
  /** It ended, by itself or stopped. */
  readonly ended: (how: 'done' | 'stopped') => void
}

const STOP: EventObject = { type: 'xstate.stop' }

/**
 * XState 5 throws an actor's error from a timer (`reportUnhandledError`, which ends the process) unless an observer
 * takes errors; the observer here does. It leaves the children of a machine that threw running; they are stopped here.
 */
export function incarnate(logic: AnyActorLogic, options: IncarnationOptions): Incarnation {
  const { clock, log, failed, ended } = options
  const actor = createActor(logic, {
    input: options.input,
    clock: {
      setTimeout: (run: () => void, delayMs: number) => clock.after(Math.max(0, delayMs), run),
      clearTimeout: (cancel: () => void) => cancel()
    },
    logger: (...values: unknown[]) => log.debug({ values }, 'the machine logged'),
    inspect: (event) => {
      if (event.type === '@xstate.actor') guardActions(event.actorRef, failed)
      if (event.type === '@xstate.event' && event.event.type.startsWith('xstate.error.actor.') && event.sourceRef) {
        stopChildren(event.sourceRef)
      }
    }
  })
  actor.subscribe({
    error: (error) => {
      stopChildren(actor)
      failed(error)
    },
    complete: () => ended(actor.getSnapshot().status === 'done' ? 'done' : 'stopped')
  })
  return {
    start: () => void actor.start(),
    send: (event) => actor.send(event),
    snapshot: () => actor.getSnapshot(),
    stop: () => void actor.stop()
  }
}

/**
 * XState drops what an action returns, so the rejection of an async one would end the process. It reaches in for
 * a private field, and `supervisor.test.ts` says when an update of XState takes that away.
 */
function guardActions(actor: object, failed: (error: unknown) => void): void {
  if (!hasScope(actor)) return
  const execute = actor._actorScope.actionExecutor
  actor._actorScope.actionExecutor = (action) => {
    const { exec } = action
    if (!exec) return execute(action)
    execute({
      ...action,
      exec: (info, params) => {
        const result: unknown = exec(info, params)
        if (result instanceof Promise) result.catch(failed)
      }
    })
  }
}

function hasScope(actor: object): actor is { readonly _actorScope: AnyActorScope } {
  return '_actorScope' in actor
}

interface Child {
  getSnapshot(): unknown
  send(event: EventObject): void
}

/** By event, because XState refuses `stop()` on children. */
function stopChildren(actor: Pick<Child, 'getSnapshot'>): void {
  const snapshot = actor.getSnapshot()
  if (!isObject(snapshot) || !('children' in snapshot) || !isObject(snapshot.children)) return
  const children: (Child | undefined)[] = Object.values(snapshot.children)
  for (const child of children.reverse()) if (child && isActive(child)) child.send(STOP)
}

function isActive(child: Child): boolean {
  const snapshot = child.getSnapshot()
  return isObject(snapshot) && 'status' in snapshot && snapshot.status === 'active'
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
