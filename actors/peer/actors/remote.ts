import { parseAddress } from '@brume/runtime/address'
import type { Remote } from '@brume/runtime/kernel'
import type { GroupRef } from './group/ref.ts'

/** The way to actors that are not here: by delivery to those of one peer, as a client to replicated ones. */
export function remoteOf(
  peers: Remote,
  outward: Pick<Remote, 'send'>,
  groupRef: (address: string) => GroupRef
): Remote {
  const groupOf = (target: string): GroupRef | null => (isGroup(target) ? groupRef(target) : null)
  return {
    send: (message) => (isGroup(message.to) ? outward : peers).send(message),
    watch: (target, down) => groupOf(target)?.watch(down) ?? peers.watch(target, down),
    snapshot: (target, timeoutMs) => groupOf(target)?.snapshot() ?? peers.snapshot(target, timeoutMs),
    subscribe: (target, type, emitted) => groupOf(target)?.on(type, emitted) ?? peers.subscribe(target, type, emitted),
    history: (target, from) => groupOf(target)?.history() ?? peers.history(target, from)
  }
}

const isGroup = (target: string): boolean => parseAddress(target).group !== null
