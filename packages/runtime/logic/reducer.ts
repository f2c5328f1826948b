import { plain } from './plain.ts'
import type { ActorLogic, Effect, Event, Json, Persisted, Scope } from './port.ts'
import { stepSlot } from './slot.ts'

/** An actor as two functions, for what is too frequent for a machine: a step is a call. */
export interface Reducer<S extends Json, E extends Event> {
  /** 32 bytes: equal ids behave equally. */
  readonly id: Uint8Array
  /** The first state. May push what it wants done. */
  readonly init: (input: Json, effects: Effect[], scope: Scope) => S
  /** The next state, or the same one; never a changed one. May push what it wants done. */
  readonly reduce: (state: S, event: E, effects: Effect[], scope: Scope) => S
}

/** Its state is the context; it has no state value and never is done. */
export function reducer<S extends Json, E extends Event = Event>({ id, init, reduce }: Reducer<S, E>): ActorLogic<S> {
  const slot = stepSlot()
  const run = (scope: Scope, work: (effects: Effect[]) => S) => {
    const outer = slot.current
    slot.current = scope
    try {
      const effects: Effect[] = []
      return { state: work(effects), effects }
    } finally {
      slot.current = outer
    }
  }
  return {
    id,
    init: (input, scope) => run(scope, (effects) => init(input, effects, scope)),
    step: (state, event, scope) => run(scope, (effects) => reduce(state, event as E, effects, scope)),
    persist: (state): Persisted => ['active', null, plain(state), [], [], [], []],
    restore: (stored) => plain((stored as unknown as Persisted)[2]) as S,
    view: (state) => ({ status: 'active', value: null, context: state, tags: [] }),
    status: () => 'active',
    child: () => undefined
  }
}
