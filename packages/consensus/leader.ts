import { DOMAIN, hash } from '@brume/crypto'
import { greatestCommonDivisor } from './arith.ts'

interface Turn {
  readonly member: number
  /** The turn's virtual time is `numerator / weight`. */
  readonly numerator: number
  readonly weight: number
}

/** A turn of weight 1 takes this much virtual time, so that a phase of 16 bits stays within one turn. */
const TURN = 65_536

/**
 * The order in which members lead: a list of member indices, repeated for ever. Member i owns the
 * virtual times `(j * 65,536 + phase_i) / w_i` for j = 0..w_i-1, weights divided by their greatest
 * common divisor, phases drawn from the epoch's seed; turns sort by time, ties by index. The period
 * is exact: in it each member leads as often as it weighs.
 *
 * @param members - key of 32 bytes and weight of each, in committee order
 * @param seed - 32 bytes, the epoch's
 */
export function leaderOrder(
  members: readonly { readonly key: Uint8Array; readonly weight: number }[],
  seed: Uint8Array
): readonly number[] {
  const divisor = members.reduce((sum, { weight }) => greatestCommonDivisor(sum, weight), 0)
  const turns: Turn[] = []
  members.forEach(({ key, weight }, member) => {
    const digest = hash(DOMAIN.quorumLeader, seed, key)
    const phase = ((digest[0] ?? 0) << 8) | (digest[1] ?? 0)
    const share = weight / divisor
    for (let j = 0; j < share; j++) turns.push({ member, numerator: j * TURN + phase, weight: share })
  })
  return turns.sort(byTime).map(({ member }) => member)
}

/** Cross-multiplied: below 1,000 x 65,536 x 1,000, exact in a double. */
function byTime(a: Turn, b: Turn): number {
  return a.numerator * b.weight - b.numerator * a.weight || a.member - b.member
}
