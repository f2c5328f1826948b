import {
  type ActorLogic,
  type AnyActorLogic,
  type AnyActorRef,
  createActor,
  type EventObject,
  type Snapshot
} from 'xstate'
import type { Event, Json } from '../logic/port.ts'
import type { Cell } from './cell.ts'
import { plainError } from './errors.ts'
import type { Parts } from './parts.ts'

/** What a step wants started that is no machine: a promise, a callback, an observable. */
export interface LiveStart {
  readonly id: string
  readonly src: string
  readonly input: Json
  readonly syncSnapshot: boolean
  readonly logic: unknown
}

/** One that runs, or will when its batch is on disk. */
export interface LiveActor {
  send(event: Event): void
  stop(): void
}

/**
 * Effect actors: live XState actors outside the step, as `fromPromise`, `fromCallback` and `fromObservable` make them.
 * What they send to their parent enters as events of the actor's own.
 */
export class Live {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  start(cell: Cell, start: LiveStart): void {
    let host: AnyActorRef | null = null
    let isStopped = false
    const actor: LiveActor = {
      send: (event) => host?.send({ type: TO_CHILD, event }),
      stop: () => {
        isStopped = true
        host?.stop()
      }
    }
    cell.actors.set(start.id, actor)
    this.#parts.outputs.release(cell.batch, () => {
      if (isStopped) return
      host = this.#host(start, (event) => {
        if (cell.actors.get(start.id) === actor) this.#enter(cell, start, event, actor)
      })
      host.start()
    })
  }

  #host({ id, input, syncSnapshot, logic }: LiveStart, told: (event: EventObject) => void): AnyActorRef {
    const { timers, options } = this.#parts
    return createActor(hostLogic({ id, input, syncSnapshot, logic: logic as AnyActorLogic, told }), {
      clock: {
        setTimeout: (run: () => void, delayMs: number) => timers.after(Math.max(0, delayMs), run),
        clearTimeout: (cancel: () => void) => cancel()
      },
      logger: (...values: unknown[]) => options.log.debug({ values }, 'an effect logged')
    })
  }

  #enter(cell: Cell, { id }: LiveStart, event: EventObject, actor: LiveActor): void {
    const isEnd = event.type === `xstate.done.actor.${id}` || event.type === `xstate.error.actor.${id}`
    // Until its result is processed it is the actor's still: a restart runs it again.
    const consumed = (): void => {
      if (!isEnd || cell.actors.get(id) !== actor) return
      cell.actors.delete(id)
      cell.children.delete(id)
    }
    const plain =
      'error' in event && event.type.startsWith('xstate.error.') ? { ...event, error: plainError(event.error) } : event
    this.#parts.scheduler.held(() => this.#parts.door.own(cell, plain as Event, 0, { consumed }))
  }
}

const TO_CHILD = 'brume.to.child'

interface HostOptions {
  readonly id: string
  readonly input: Json
  readonly syncSnapshot: boolean
  readonly logic: AnyActorLogic
  readonly told: (event: EventObject) => void
}

type HostSnapshot = Snapshot<undefined> & { readonly child: AnyActorRef }

/** An actor whose only child is the effect, and which hands on what the child tells its parent. */
function hostLogic({ id, input, syncSnapshot, logic, told }: HostOptions): ActorLogic<HostSnapshot, EventObject> {
  return {
    transition: (snapshot, event) => {
      if (event.type === TO_CHILD && 'event' in event) snapshot.child.send(event.event as EventObject)
      else if (event.type === 'xstate.stop') snapshot.child.send(event)
      else told(event)
      return snapshot
    },
    getInitialSnapshot: ({ self }) => {
      // As XState's own spawn does it; `syncSnapshot` is not among the public options.
      const options = { id, input, syncSnapshot, parent: self }
      const child = createActor(logic, options)
      return { status: 'active', output: undefined, error: undefined, child }
    },
    start: ({ child }) => child.start(),
    getPersistedSnapshot: (snapshot) => snapshot
  }
}
