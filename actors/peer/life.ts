import { createActor, fromPromise, waitFor } from 'xstate'
import type { PeerNotice } from './events.ts'
import { failureOf, type PeerEvent, type PeerFailure, peerMachine } from './machine.ts'
import type { Parts } from './parts.ts'

export type PeerState = 'idle' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'

/** The machine of one peer at work on its parts. */
export interface Life {
  state(): PeerState
  failure(): PeerFailure | undefined
  /** Resolves when all parts run; rejects with what kept them from it, after all were stopped again. */
  start(): Promise<void>
  /** Resolves when all parts are stopped. Never rejects; may be called in any state and again. */
  stop(): Promise<void>
  /** Ends the peer because of this error. */
  fail(error: unknown): void
  /** Resolves at the end: with the failure that brought it about, or with undefined. */
  readonly ended: Promise<PeerFailure | undefined>
}

const failedNotice = ({ code, message }: PeerFailure): PeerNotice => ({ event: 'peer.failed', code, message })

export function createLife(parts: Parts, tell: (notice: PeerNotice) => void): Life {
  const actor = createActor(
    peerMachine.provide({
      actors: { startParts: fromPromise(() => parts.start()), stopParts: fromPromise(() => parts.stop()) }
    })
  )
  let last: PeerState = 'idle'
  actor.subscribe((snapshot) => {
    if (snapshot.value === last) return
    last = snapshot.value
    tell({ event: 'peer.state', state: last })
    if (last === 'failed' && snapshot.context.failure !== undefined) tell(failedNotice(snapshot.context.failure))
  })
  actor.start()
  const reach = (...states: readonly PeerState[]) => waitFor(actor, (snapshot) => states.includes(snapshot.value))
  // XState warns of events to a machine that is at its end.
  const send = (event: PeerEvent): void => {
    if (actor.getSnapshot().status === 'active') actor.send(event)
  }
  const ended = reach('stopped', 'failed').then((snapshot) => snapshot.context.failure)

  return {
    state: () => actor.getSnapshot().value,
    failure: () => actor.getSnapshot().context.failure,
    async start() {
      send({ type: 'peer.start' })
      const { value, context } = await reach('running', 'stopped', 'failed')
      if (value === 'failed') throw context.failure?.error
    },
    async stop() {
      send({ type: 'peer.stop' })
      await ended
    },
    fail: (error) => send({ type: 'peer.fail', failure: failureOf(error) }),
    ended
  }
}
