import { fromPromise, setup } from 'xstate'

/** How long leaving may take: a record journaled, published and flushed to the links. */
const FAREWELL_MS = 2_000

export type LifecycleEvent =
  | { readonly type: 'ready' }
  | { readonly type: 'leave' }
  | { readonly type: 'left' }
  | { readonly type: 'halt' }

/** An effect of the machine that `effects.ts` has to bind. */
function unbound(name: string): () => never {
  return () => {
    throw new Error(`membership: "${name}" is not bound; give it to provide()`)
  }
}

/**
 * The life of membership: starting -> syncing -> ready -> leaving -> stopped, and failed from anywhere.
 * What goes on within syncing and ready is the reducer's (`rules.ts`): records come by the hundred, lives change once.
 */
export const membershipMachine = setup({
  types: {
    events: {} as LifecycleEvent
  },
  actors: {
    /** Own number from the journal, members from the store. */
    load: fromPromise<void>(unbound('load'))
  },
  actions: {
    /** Binds topic, channel and links; publishes the own record. */
    open: unbound('open'),
    /** Publishes the leaving record. */
    leave: unbound('leave'),
    /** Lets go of everything. Why it failed, who bound the effects knows: events and context are plain data. */
    close: (_, _params: { readonly failed: boolean }) => unbound('close')()
  },
  delays: { farewell: FAREWELL_MS }
}).createMachine({
  id: 'membership',
  initial: 'starting',
  on: {
    halt: '.failed'
  },
  states: {
    starting: {
      invoke: {
        src: 'load',
        onDone: 'syncing',
        onError: 'failed'
      },
      on: { leave: 'stopped' }
    },
    syncing: {
      entry: 'open',
      on: { ready: 'ready', leave: 'leaving' }
    },
    ready: {
      on: { leave: 'leaving' }
    },
    leaving: {
      entry: 'leave',
      after: { farewell: 'stopped' },
      on: { left: 'stopped' }
    },
    stopped: {
      type: 'final',
      entry: { type: 'close', params: { failed: false } }
    },
    failed: {
      type: 'final',
      entry: { type: 'close', params: { failed: true } }
    }
  }
})
