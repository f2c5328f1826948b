import { parseAddress } from '@brume/runtime/address'
import type { Remote } from '@brume/runtime/kernel'
import type { GroupRef } from './group/ref.ts'
import { refusal } from './group/refusals.ts'

/**
 * The way to actors that are not here: by delivery to those of one peer, as a client to replicated ones, and to those
 * that a group has placed to whoever holds them.
 */
export function remoteOf(
  peers: Remote,
  outward: Pick<Remote, 'send'>,
  groupRef: (address: string) => GroupRef,
  placed: () => Remote
): Remote {
  const groupOf = (target: string): GroupRef | null => (wayOf(target) === 'group' ? groupRef(target) : null)
  const peerOf = (target: string): Remote => (wayOf(target) === 'placed' ? placed() : peers)
  return {
    send: (message) => (wayOf(message.to) === 'group' ? outward : peerOf(message.to)).send(message),
    watch: (target, down) => groupOf(target)?.watch(down) ?? peerOf(target).watch(target, down),
    snapshot: (target, timeoutMs, read = 'local') =>
      groupOf(target)?.snapshot({ read }) ?? peerOf(target).snapshot(target, timeoutMs, read),
    subscribe: (target, type, emitted) =>
      groupOf(target)?.on(type, emitted) ?? peerOf(target).subscribe(target, type, emitted),
    follow: (target, changed, ended) =>
      groupOf(target)?.follow(changed) ?? peerOf(target).follow(target, changed, ended),
    history: (target, from) => groupOf(target)?.history() ?? peerOf(target).history(target, from),
    command: async (target, body) => {
      if (wayOf(target) === 'group') throw refusal('rejected', `${target} takes no commands but those of its machine`)
      return peerOf(target).command(target, body)
    }
  }
}

/** By what is below the group: its own machine by one name, and what that places by longer ones. */
export function wayOf(target: string): 'peer' | 'group' | 'placed' {
  const { group, path } = parseAddress(target)
  if (group === null) return 'peer'
  return path.includes('/') ? 'placed' : 'group'
}
