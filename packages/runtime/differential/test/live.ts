import { SimClock } from '@brume/testkit'
import { type AnyActorRef, type AnyStateMachine, createActor, type InspectionEvent } from 'xstate'
import { newRecording, push, record } from './recorder.ts'
import type { Run, Sight, Step } from './run.ts'

export interface LiveRun extends Run {
  /** Children that live, by id. */
  kids(): ReadonlyMap<string, Pick<Sight, 'value' | 'context'>>
}

/** The machine as XState itself runs it, on a clock that steps from one timer to the next. */
export function runLive(machine: AnyStateMachine, inspected: (event: InspectionEvent) => void = () => {}): LiveRun {
  const recording = newRecording()
  const clock = new SimClock()
  const refs: AnyActorRef[] = []
  let hasDoubled = false
  let hasFailed = false
  const actor = createActor(machine, {
    id: 'root',
    clock: {
      setTimeout: (run: () => void, delayMs: number) => clock.after(delayMs, run),
      clearTimeout: (cancel: () => void) => cancel()
    },
    logger: () => {},
    inspect: (event) => {
      inspected(event)
      const { actorRef } = event as unknown as { readonly actorRef: AnyActorRef }
      if (event.type === '@xstate.actor') {
        actorRef.on('*', (emitted) => push(recording.emitted, actorRef.id, emitted))
        refs.push(actorRef)
      }
      // Two of one name may be there within one event only, and one of them go on without its parent's knowledge.
      if (event.type === '@xstate.event' && event.event.type === 'xstate.init') hasDoubled ||= isOrphan(actorRef, actor)
      if (event.type === '@xstate.snapshot' && actorRef === actor) hasDoubled ||= refs.some(isRunningOrphan)
      if (event.type === '@xstate.event' && event.event.type.startsWith('xstate.error.actor.')) hasFailed = true
    }
  })
  const isRunningOrphan = (ref: AnyActorRef) =>
    Reflect.get(ref, '_processingStatus') === RUNNING && isOrphan(ref, actor)
  actor.subscribe({
    error: () => {
      hasFailed = true
    }
  })
  const { scheduler } = actor.system as unknown as { readonly scheduler: { schedule: Schedule } }
  const { schedule } = scheduler
  scheduler.schedule = (source, target, event, delayMs, id) => {
    if (id !== undefined && `${source.sessionId}.${id}` in actor.system.getSnapshot()._scheduledEvents)
      hasDoubled = true
    schedule(source, target, event, delayMs, id)
  }
  record(recording)
  actor.start()
  return {
    recording,
    get hasDoubled() {
      return hasDoubled
    },
    get hasFailed() {
      return hasFailed
    },
    do: (step: Step) => {
      record(recording)
      if ('send' in step) actor.send({ type: step.send })
      else clock.run(step.waitMs)
    },
    sight: (): Sight => {
      const { status, value, context, output, tags } = actor.getSnapshot()
      return { status, value, context: shown(context), output, tags: [...(tags ?? [])].sort() }
    },
    kids: () => {
      const all = Object.entries(actor.getSnapshot().children as Record<string, AnyActorRef>)
      const living = all.filter(([, ref]) => ref.getSnapshot().status === 'active')
      return new Map(living.map(([id, ref]) => [id, kidOf(ref.getSnapshot())]))
    }
  }
}

type Schedule = (source: AnyActorRef, target: AnyActorRef, event: unknown, delayMs: number, id?: string) => void

export function kidOf({ value, context }: { readonly value?: unknown; readonly context: unknown }) {
  return { value: value ?? null, context: shown(context) }
}

/** A child that the root does not have: another of its id took its place, or it was stopped before it was started. */
function isOrphan(ref: AnyActorRef, root: AnyActorRef): boolean {
  return ref !== root && root.getSnapshot().children[ref.id] !== ref
}

/** XState's `ProcessingStatus.Running`. */
const RUNNING = 1

/** Without what differs by design: refs of children are there as `true`. */
export function shown(context: unknown): unknown {
  const { alive, ...rest } = context as { readonly alive?: Readonly<Record<string, unknown>> }
  if (alive === undefined) return rest
  return { ...rest, alive: Object.fromEntries(Object.entries(alive).map(([id, ref]) => [id, Boolean(ref)])) }
}
