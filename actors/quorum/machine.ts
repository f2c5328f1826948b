import { assign, fromPromise, setup } from 'xstate'
import type { GroupState } from './events.ts'

/** Why a member does not vote, in a sentence for people. */
type Reason = string

export interface LifecycleContext {
  readonly isMember: boolean
  /** Set for good: this key must not vote in this epoch. */
  readonly muted: Reason | null
  readonly reason: Reason | null
}

export type LifecycleEvent =
  /** Streams to members of quorum weight, this one included, are open. */
  | { readonly type: 'quorum.reached' }
  /** A finalization is known whose blocks are not to be had by view. */
  | { readonly type: 'fell.behind' }
  | { readonly type: 'journal.failed'; readonly reason: Reason }
  | { readonly type: 'store.failed'; readonly reason: Reason }
  | { readonly type: 'program.failed'; readonly reason: Reason }

const unbound = (name: string) => () => {
  throw new Error(`the effect '${name}' is not bound`)
}

const became = (state: GroupState) => ({ type: 'became', params: { state } }) as const

/** The life of one group on one peer. Votes do not pass through here: only what changes whether it may vote. */
export const lifecycle = setup({
  types: {
    input: {} as { readonly isMember: boolean },
    context: {} as LifecycleContext,
    events: {} as LifecycleEvent
  },
  actors: {
    /** Opens the program and delivers what it lacks; answers with why this key must not vote, if so. */
    load: fromPromise<{ readonly muted: string | null }>(unbound('load')),
    /** Fetches final blocks until no connected member is ahead. */
    catchUp: fromPromise<void>(unbound('catchUp'))
  },
  actions: {
    /** The state changed; for those who watch. */
    became: (_, _params: { readonly state: GroupState }) => unbound('became')(),
    join: unbound('join'),
    startVoting: unbound('startVoting'),
    stopVoting: unbound('stopVoting')
  },
  guards: {
    mayVote: ({ context }) => context.isMember && context.muted === null
  },
  delays: { retry: 1_000 }
}).createMachine({
  id: 'quorum',
  context: ({ input }) => ({ isMember: input.isMember, muted: null, reason: null }),
  initial: 'loading',
  on: {
    'journal.failed': { target: '.halted', actions: assign({ reason: ({ event }) => event.reason }) },
    'store.failed': { target: '.halted', actions: assign({ reason: ({ event }) => event.reason }) },
    'program.failed': { target: '.halted', actions: assign({ reason: ({ event }) => event.reason }) }
  },
  states: {
    loading: {
      entry: became('loading'),
      invoke: {
        src: 'load',
        onDone: { target: 'joining', actions: assign({ muted: ({ event }) => event.output.muted }) },
        onError: { target: 'halted', actions: assign({ reason: ({ event }) => messageOf(event.error) }) }
      }
    },
    joining: {
      entry: [became('joining'), 'join'],
      on: { 'quorum.reached': 'syncing' }
    },
    syncing: {
      entry: became('syncing'),
      invoke: {
        src: 'catchUp',
        onDone: [{ guard: 'mayVote', target: 'voting' }, { target: 'observing' }],
        onError: { target: 'waiting', actions: assign({ reason: ({ event }) => messageOf(event.error) }) }
      }
    },
    waiting: {
      after: { retry: 'syncing' }
    },
    observing: {
      entry: became('observing'),
      on: { 'fell.behind': 'syncing' }
    },
    voting: {
      entry: [assign({ reason: null }), became('voting'), 'startVoting'],
      exit: 'stopVoting',
      on: { 'fell.behind': 'syncing' }
    },
    halted: { entry: became('halted') }
  }
})

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
