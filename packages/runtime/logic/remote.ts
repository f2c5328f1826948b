import type { AnyActorRef } from 'xstate'
import { RuntimeError } from '../error.ts'

/** Marks what stands for an actor elsewhere; the value is its address. Shared by all copies of this module. */
const ADDRESS = Symbol.for('brume/ref/1')

/** Something with the parts of an XState ref that say who it is. Those that would act throw: a step has no effects. */
export function inertRef(address: string, more: object = {}): AnyActorRef {
  const refuse = (what: string) => () => {
    const message = `${what} of ${address} was called in a step; use sendTo, and events instead of snapshots`
    throw new RuntimeError('BRUME_RUNTIME_INERT', message)
  }
  const ref = {
    id: address,
    sessionId: address,
    [ADDRESS]: address,
    send: refuse('send'),
    getSnapshot: refuse('getSnapshot'),
    subscribe: refuse('subscribe'),
    on: refuse('on'),
    ...more
  }
  return ref as unknown as AnyActorRef
}

/** Undefined for a ref of XState's own. */
export function addressOf(ref: object): string | undefined {
  return (ref as { readonly [ADDRESS]?: string })[ADDRESS]
}

/**
 * An actor by its address, as a target: `sendTo(({ context }) => remote(context.shop), { type: 'order' })`. Keep the
 * address in context, not this.
 *
 * @throws RuntimeError `BRUME_RUNTIME_TARGET` for what is not even the beginning of an address
 */
export function remote(address: string): AnyActorRef {
  if (typeof address !== 'string' || !address.startsWith('brume://')) {
    throw new RuntimeError('BRUME_RUNTIME_TARGET', `${String(address).slice(0, 80)} is no address: brume://...`)
  }
  return inertRef(address)
}
