import { type Committee, deltaOf } from '@brume/consensus'
import type { Link, PeerId } from '@brume/ports'

/** Delta is measured anew at most this often: the round trip it is made of is smoothed over 40 s. */
const MEASURE_EVERY_MS = 1_000

/** Keeps Delta at what the links and the disk show, without a timer of its own: it is asked when views turn. */
export class Pace {
  #measuredMs = Number.NEGATIVE_INFINITY

  /** A new Delta in ms, or null when it is not time yet, or too few members are linked to tell. */
  measure(input: {
    readonly nowMs: number
    readonly committee: Committee
    /** Of each member, by index. */
    readonly peers: readonly PeerId[]
    readonly self: number | null
    /** Asked only when it is time. */
    readonly links: () => readonly Link[]
    readonly syncMs: () => number
    /** What blocks of others took to be judged. */
    readonly workMs: number
  }): number | null {
    const { nowMs, committee, peers, self, links, syncMs, workMs } = input
    if (nowMs - this.#measuredMs < MEASURE_EVERY_MS) return null
    const rtts = new Map(links().map(({ peer, rttMs }) => [peer, rttMs]))
    const reached = committee.members
      .map(({ weight }, index) => ({ weight, rttMs: index === self ? 0 : rtts.get(peers[index] ?? '') }))
      .filter((member): member is { weight: number; rttMs: number } => member.rttMs !== undefined)
      .sort((a, b) => a.rttMs - b.rttMs)
    let weight = 0
    for (const member of reached) {
      weight += member.weight
      if (weight < committee.quorum) continue
      this.#measuredMs = nowMs
      return deltaOf(member.rttMs / 2, syncMs(), workMs)
    }
    return null
  }
}
