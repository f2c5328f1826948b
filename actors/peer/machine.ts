import { assign, fromPromise, setup } from 'xstate'

/** Why a peer ended other than by being told to. */
export interface PeerFailure {
  readonly code: string
  readonly message: string
  readonly error: unknown
}

export type PeerEvent =
  | { readonly type: 'peer.start' }
  | { readonly type: 'peer.stop' }
  | { readonly type: 'peer.fail'; readonly failure: PeerFailure }

interface PeerContext {
  readonly failure: PeerFailure | undefined
}

const unbound = fromPromise<void>(() => {
  throw new Error('startParts and stopParts are bound by life.ts')
})

/**
 * The life of one peer. Whatever happens, every way to an end leads through `stopping`, so that the
 * journal gets its mark and nothing is left behind.
 */
export const peerMachine = setup({
  types: {} as { context: PeerContext; events: PeerEvent },
  actors: { startParts: unbound, stopParts: unbound },
  actions: {
    // The first failure is the cause; later ones are its consequences.
    noteFailure: assign({
      failure: ({ context }, params: PeerFailure | undefined) => context.failure ?? params
    })
  },
  guards: { failed: ({ context }) => context.failure !== undefined }
}).createMachine({
  id: 'peer',
  context: { failure: undefined },
  initial: 'idle',
  on: {
    'peer.fail': { target: '.stopping', actions: { type: 'noteFailure', params: ({ event }) => event.failure } }
  },
  states: {
    idle: { on: { 'peer.start': 'starting', 'peer.stop': 'stopping' } },
    starting: {
      invoke: {
        src: 'startParts',
        onDone: 'running',
        onError: { target: 'stopping', actions: { type: 'noteFailure', params: ({ event }) => failureOf(event.error) } }
      },
      on: { 'peer.stop': 'stopping' }
    },
    running: { on: { 'peer.stop': 'stopping' } },
    stopping: {
      invoke: {
        src: 'stopParts',
        onDone: [{ guard: 'failed', target: 'failed' }, { target: 'stopped' }]
      },
      on: { 'peer.fail': { actions: { type: 'noteFailure', params: ({ event }) => event.failure } } }
    },
    stopped: { type: 'final' },
    failed: { type: 'final' }
  }
})

export function failureOf(error: unknown): PeerFailure {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'BRUME_PEER_INTERNAL'
  return { code, message, error }
}
