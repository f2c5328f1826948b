import { type FinalLine, readFinals } from '../../checkers/finals.ts'
import type { Outcome } from '../outcome.ts'

/** What each honest peer's program was given, by height; every line, so that a peer that changed its mind shows. */
export interface Chains {
  readonly byPeer: ReadonlyMap<string, ReadonlyMap<number, readonly FinalLine[]>>
  /** Ids of commands that took effect at a height, by the first peer that has it. */
  readonly commands: ReadonlyMap<number, readonly string[]>
}

export function readChains({ folder, honest }: Outcome): Chains {
  const byPeer = new Map<string, Map<number, FinalLine[]>>()
  const commands = new Map<number, readonly string[]>()
  for (const peer of honest) {
    const chain = new Map<number, FinalLine[]>()
    for (const line of readFinals(folder.finalsPath(peer))) {
      chain.set(line.height, [...(chain.get(line.height) ?? []), line])
      if (!commands.has(line.height)) commands.set(line.height, line.commands)
    }
    byPeer.set(peer, chain)
  }
  return { byPeer, commands }
}
