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
  const refs = new Map<string, AnyActorRef[]>()
  /** In this step: two of one id may be a child that was replaced before it was heard of. */
  const started = new Set<string>()
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
        refs.set(actorRef.id, [...(refs.get(actorRef.id) ?? []), actorRef])
      }
      if (event.type === '@xstate.event' && event.event.type === 'xstate.init') {
        if (started.has(actorRef.id)) hasDoubled = true
        started.add(actorRef.id)
      }
      if (event.type === '@xstate.event' && event.event.type.startsWith('xstate.error.actor.')) hasFailed = true
    }
  })
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
      return hasDoubled || hasOrphans(refs)
    },
    get hasFailed() {
      return hasFailed
    },
    do: (step: Step) => {
      record(recording)
      started.clear()
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

/** A child was replaced by one of its id while it ran, and goes on without a parent that knows it. */
function hasOrphans(refs: ReadonlyMap<string, readonly AnyActorRef[]>): boolean {
  const isRunning = (ref: object) => Reflect.get(ref, '_processingStatus') === RUNNING
  return [...refs.values()].some((all) => all.filter(isRunning).length > 1)
}

/** XState's `ProcessingStatus.Running`. */
const RUNNING = 1

/** Without what differs by design: refs of children are there as `true`. */
export function shown(context: unknown): unknown {
  const { alive, ...rest } = context as { readonly alive?: Readonly<Record<string, unknown>> }
  if (alive === undefined) return rest
  return { ...rest, alive: Object.fromEntries(Object.entries(alive).map(([id, ref]) => [id, Boolean(ref)])) }
}
