import type { Proposal } from '@brume/consensus'
import { bodyOf } from '@brume/protocols/quorum'

/** A block older or younger than this by the wall clock is refused by the simulation's program before an own vote. */
const PROGRAM_CLOCK_MS = 30_000

/** The simulation's program on a block: neither too far off in time nor too large, and no command twice. */
export function accepts(
  proposal: Proposal,
  ancestors: readonly Proposal[],
  wallMs: number | null,
  maxCommands: number
): boolean {
  if (wallMs !== null && Math.abs(wallMs - proposal.timeMs) > PROGRAM_CLOCK_MS) return false
  const { commands } = bodyOf(proposal)
  if (commands.length > maxCommands) return false
  // As in production: what ancestors carry is a matter of an own vote, for which are unfinalized depends on the own floor.
  const carried = wallMs === null ? [] : ancestors.flatMap((block) => bodyOf(block).commands.map(({ id }) => id))
  const seen = new Set(carried)
  for (const { id } of commands) {
    if (seen.has(id)) return false
    seen.add(id)
  }
  return true
}
