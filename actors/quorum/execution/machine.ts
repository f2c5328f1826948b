import { assign, fromPromise, setup } from 'xstate'

/** Why what is replicated does not go on here, in a sentence for people. */
type Reason = string

export const EXECUTION_STATES = ['running', 'resyncing', 'stopped'] as const
export type ExecutionState = (typeof EXECUTION_STATES)[number]

export interface ExecutionContext {
  readonly reason: Reason | null
  /** The epoch in which this member's program went wrong last: a second time waits for the operator. */
  readonly failedIn: number | null
}

export type ExecutionEvent =
  /** The program failed, or more than F say that it came to something wrong. */
  | { readonly type: 'went.wrong'; readonly reason: Reason; readonly epoch: number }
  /** The blocks that the program lacks are gone: no fault of its own. */
  | { readonly type: 'fell.below'; readonly reason: Reason }

const unbound = (name: string) => () => {
  throw new Error(`the effect '${name}' is not bound`)
}

/** Execution beside the order, which goes on whatever happens here. */
export const executionLife = setup({
  types: {
    context: {} as ExecutionContext,
    events: {} as ExecutionEvent
  },
  actors: {
    /** Restores a certified state; rejects when none is to be had now. */
    restore: fromPromise<void>(unbound('restore'))
  },
  actions: {
    became: (_, _params: { readonly state: ExecutionState }) => unbound('became')(),
    /** No state was to be had; tried again later. */
    failedToRestore: (_, _params: { readonly error: unknown }) => unbound('failedToRestore')()
  },
  guards: {
    isFirstInEpoch: ({ context, event }) => event.type === 'went.wrong' && context.failedIn !== event.epoch
  },
  delays: { retry: 1_000 }
}).createMachine({
  id: 'execution',
  context: { reason: null, failedIn: null },
  initial: 'running',
  on: {
    'went.wrong': [
      {
        guard: 'isFirstInEpoch',
        target: '.resyncing',
        reenter: true,
        actions: assign({ reason: ({ event }) => event.reason, failedIn: ({ event }) => event.epoch })
      },
      { target: '.stopped', actions: assign({ reason: ({ event }) => event.reason }) }
    ]
  },
  states: {
    running: {
      entry: [assign({ reason: null }), { type: 'became', params: { state: 'running' } }],
      on: {
        'fell.below': { target: 'resyncing', actions: assign({ reason: ({ event }) => event.reason }) }
      }
    },
    resyncing: {
      entry: { type: 'became', params: { state: 'resyncing' } },
      initial: 'restoring',
      states: {
        restoring: {
          invoke: {
            src: 'restore',
            onDone: '#execution.running',
            onError: {
              target: 'waiting',
              actions: { type: 'failedToRestore', params: ({ event }) => ({ error: event.error }) }
            }
          }
        },
        /** Until another member can be asked, or a checkpoint exists. */
        waiting: { after: { retry: 'restoring' } }
      }
    },
    stopped: {
      entry: { type: 'became', params: { state: 'stopped' } },
      on: { 'went.wrong': {} }
    }
  }
})
