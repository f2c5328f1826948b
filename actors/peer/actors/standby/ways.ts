import type { PeerId } from '@brume/ports'
import { formatAddress, parseAddress } from '@brume/runtime/address'
import type { Kernel, Remote } from '@brume/runtime/kernel'
import type { Loop } from './loop.ts'

export interface WaysOptions {
  readonly self: PeerId
  readonly main: Kernel
  /** To all that is in none of this peer's kernels. */
  readonly remote: Remote
  readonly loop: Loop
}

/** The way out of the kernel of a held actor: it speaks for its group, and its own peer's actors are elsewhere to it. */
export function waysOf(authority: string, { self, main, remote, loop }: WaysOptions): Remote {
  const isMain = (target: string): boolean => parseAddress(target).peer === self
  return {
    send: (message) => {
      const outbound = { ...message, from: formatAddress(authority, message.from) }
      if (!isMain(message.to)) return remote.send(outbound)
      loop.send(outbound, () => main)
      return 'accepted'
    },
    watch: (target, down) => (isMain(target) ? main : remote).watch(target, down),
    snapshot: (target, timeoutMs, read) =>
      isMain(target) ? main.snapshot(target, read) : remote.snapshot(target, timeoutMs, read),
    subscribe: (target, type, emitted) =>
      isMain(target) ? main.on(target, type, emitted) : remote.subscribe(target, type, emitted),
    follow: (target, changed, ended) => (isMain(target) ? main : remote).follow(target, changed, ended),
    history: (target, from) => (isMain(target) ? main : remote).history(target, from),
    command: (target, body) => remote.command(target, body)
  }
}
