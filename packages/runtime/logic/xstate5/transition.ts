import type { AnyActorLogic, AnyMachineSnapshot, Snapshot } from 'xstate'
import { plain } from '../plain.ts'
import type { ActorLogic, Effect, Event, Json, Persisted, Scope, Step, View } from '../port.ts'
import { effectsOf } from './effects.ts'
import type { MachineOptions } from './machine.ts'
import { Stage } from './stage.ts'

/** What `fromTransition` makes of a state. */
type State = Snapshot<unknown> & { readonly context?: unknown }

const NO_CHILDREN = { children: {} } as AnyMachineSnapshot
const NO_EFFECTS: readonly Effect[] = Object.freeze([])

/** Logic of XState's `fromTransition`, or any that only computes: an actor of its own, with a context and no states. */
export function transitionLogic(logic: AnyActorLogic, { id, checks }: MachineOptions): ActorLogic<State> {
  const stage = new Stage()
  const settle = checks === 'step' ? plain : (value: unknown) => value as Json
  const finish = (next: State, event: Event | null): Step<State> => {
    if (next.status === 'error') throw next.error
    const effects = effectsOf(stage, {}, NO_CHILDREN, event, settle)
    return { state: { ...next, context: contextOf(next, settle) }, effects }
  }
  return {
    id,
    init: (input, scope) =>
      stage.run(scope, () => finish(logic.getInitialSnapshot(stage.actorScope, input ?? undefined), null)),
    step: (state, event, scope) => {
      if (state.status !== 'active') return { state, effects: NO_EFFECTS }
      return stage.run(scope, () => finish(logic.transition(state, event, stage.actorScope), event))
    },
    persist: ({ status, context, output }): Persisted => {
      return [status, null, plain(context), [], output === undefined ? [] : [plain(output)], [], []]
    },
    restore: (stored, scope: Scope) => {
      const [status, , context, , output] = stored as unknown as Persisted
      return stage.run(scope, () => {
        return { status, context: plain(context), output: output[0], error: undefined } as State
      })
    },
    view: ({ status, context, output }): View => {
      const view = { status, value: null, context: context as Json, tags: [] }
      return output === undefined ? view : { ...view, output: output as Json }
    },
    status: ({ status }) => status,
    child: () => undefined
  }
}

/** A transition that answers undefined has no context. */
function contextOf({ context }: State, settle: (value: unknown) => Json): Json {
  return context === undefined ? null : settle(context)
}
