import type { Host } from '@brume/runtime/delivery'
import type { Kernel, Snapshot } from '@brume/runtime/kernel'
import { refusal } from '../group/refusals.ts'
import { type AtHolder, isWanted } from './at-holder.ts'

/** What a peer holds for groups. */
export interface HeldHere {
  /** The kernel of an actor, or of one whose machine started it. */
  find(target: string): Kernel | undefined
  /** @throws RuntimeError NOACTOR, OVERLOAD */
  readHere(target: string, read?: 'local' | 'final'): Promise<Snapshot>
  readonly atHolder: Pick<AtHolder, 'obey'>
}

const isGroups = (target: string): boolean => target.startsWith('brume://group/')

/** The same for what groups send. One that is not held here is looked for anew by whoever brings that. */
export function arrivalsDoor(
  main: Pick<Kernel, 'receive'>,
  find: (target: string) => Pick<Kernel, 'receive'> | undefined
): Pick<Kernel, 'receive'> {
  return {
    receive: (message, inbox) => {
      const kernel = isGroups(message.to) ? find(message.to) : main
      if (kernel === undefined) inbox.refused('overload', 0)
      else kernel.receive(message, inbox)
    }
  }
}

/**
 * All kernels of a peer as one, for what comes from other peers: the peer's own, and those of the actors it holds.
 */
export function doorsOf(main: Kernel, held: HeldHere): Host {
  const at = (target: string): Kernel | undefined => (isGroups(target) ? held.find(target) : main)
  const need = (target: string): Kernel => {
    const kernel = at(target)
    if (kernel === undefined) throw refusal('noactor', `${target} is not held here`)
    return kernel
  }
  return {
    receive: (message, inbox) => {
      const kernel = at(message.to)
      if (kernel === undefined) inbox.refused('noactor', 0)
      else kernel.receive(message, inbox)
    },
    watch: (target, down) => need(target).watch(target, down),
    snapshot: async (target, read) => (isGroups(target) ? held.readHere(target, read) : main.snapshot(target, read)),
    on: (target, type, emitted) => need(target).on(target, type, emitted),
    follow: (target, changed, ended) => need(target).follow(target, changed, ended),
    history: (target, from) => (at(target) ?? main).history(target, from),
    movedTo: (target) => (isGroups(target) ? null : main.movedTo(target)),
    obey: async (peer, target, body) =>
      isGroups(target) && isWanted(body)
        ? held.atHolder.obey(peer, target, body)
        : need(target).obey(peer, target, body),
    adopts: (address) => main.adopts(address)
  }
}
