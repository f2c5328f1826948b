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
  /** The epoch before has closed, and the beginning of the next is on disk. */
  | { readonly type: 'epoch.opened'; readonly isMember: boolean }
  /** A finalization is known whose blocks are not to be had by view. */
  | { readonly type: 'fell.behind' }
  /** The key must say nothing more in this epoch. */
  | { readonly type: 'muted'; readonly reason: Reason }
  /** Another process speaks with this key. */
  | { readonly type: 'twin.heard'; readonly reason: Reason }
  /** The journal has no space; it asks for it by itself. */
  | { readonly type: 'journal.full'; readonly reason: Reason }
  | { readonly type: 'journal.room' }
  | { readonly type: 'journal.failed'; readonly reason: Reason }
  | { readonly type: 'store.failed'; readonly reason: Reason }

const unbound = (name: string) => () => {
  throw new Error(`the effect '${name}' is not bound`)
}

const became = (state: GroupState) => ({ type: 'became', params: { state } }) as const

/** The life of one group on one peer. Votes do not pass through here: only what changes whether it may vote. */
export const lifecycle = setup({
  types: {
    context: {} as LifecycleContext,
    events: {} as LifecycleEvent
  },
  actors: {
    /** Opens the program and delivers what it lacks. */
    load: fromPromise<{ readonly isMember: boolean }>(unbound('load')),
    /** Fetches final blocks until no connected member is ahead; answers with why this key must not vote, if so. */
    catchUp: fromPromise<{ readonly muted: Reason | null }>(unbound('catchUp')),
    /** As long as this peer is no member, or finds no quorum: asks for new final blocks. */
    follow: fromPromise<void>(unbound('follow'))
  },
  actions: {
    /** The state changed; for those who watch. */
    became: (_, _params: { readonly state: GroupState }) => unbound('became')(),
    /** Another committee: this key is in it or not, and what muted it held for the epoch before. */
    seat: assign(({ event }) => (event.type === 'epoch.opened' ? { isMember: event.isMember, muted: null } : {})),
    join: unbound('join'),
    startVoting: unbound('startVoting'),
    stopVoting: unbound('stopVoting')
  },
  delays: { retry: 1_000 }
}).createMachine({
  id: 'quorum',
  context: { isMember: false, muted: null, reason: null },
  initial: 'loading',
  on: {
    'epoch.opened': { actions: 'seat' },
    'journal.failed': { target: '.halted', actions: assign({ reason: ({ event }) => event.reason }) },
    'store.failed': { target: '.halted', actions: assign({ reason: ({ event }) => event.reason }) },
    'twin.heard': { target: '.halted', actions: assign({ reason: ({ event }) => event.reason }) }
  },
  states: {
    loading: {
      entry: became('loading'),
      invoke: {
        src: 'load',
        onDone: { target: 'joining', actions: assign({ isMember: ({ event }) => event.output.isMember }) },
        onError: { target: 'halted', actions: assign({ reason: ({ event }) => messageOf(event.error) }) }
      }
    },
    joining: {
      entry: [became('joining'), 'join'],
      // Members do not hear observers: there is no stream to wait for.
      always: { guard: ({ context }) => !context.isMember, target: 'syncing' },
      invoke: { src: 'follow' },
      on: { 'quorum.reached': 'syncing' }
    },
    syncing: {
      entry: became('syncing'),
      invoke: {
        src: 'catchUp',
        onDone: [
          { guard: ({ context, event }) => context.isMember && event.output.muted === null, target: 'voting' },
          { target: 'observing', actions: assign({ muted: ({ event }) => event.output.muted }) }
        ],
        onError: { target: 'waiting', actions: assign({ reason: ({ event }) => messageOf(event.error) }) }
      }
    },
    waiting: {
      after: { retry: 'syncing' }
    },
    observing: {
      entry: became('observing'),
      invoke: { src: 'follow' },
      on: {
        'fell.behind': 'syncing',
        'epoch.opened': [
          { guard: ({ event }) => event.isMember, target: 'syncing', actions: 'seat' },
          { actions: 'seat' }
        ]
      }
    },
    voting: {
      entry: [assign({ reason: null }), became('voting'), 'startVoting'],
      exit: 'stopVoting',
      on: {
        'fell.behind': 'syncing',
        'epoch.opened': [
          { guard: ({ event }) => event.isMember, target: 'voting', reenter: true, actions: 'seat' },
          { target: 'observing', actions: 'seat' }
        ],
        muted: { target: 'observing', actions: assign({ muted: ({ event }) => event.reason }) },
        'journal.full': { target: 'full', actions: assign({ reason: ({ event }) => event.reason }) }
      }
    },
    /** Follows, and says nothing that it could not write down. */
    full: {
      entry: became('observing'),
      on: { 'journal.room': 'syncing' }
    },
    halted: { entry: became('halted') }
  }
})

/** What a child failed with, as its event carries it. */
function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error)
}
