/** Members a committee may have: the signer index is one byte and a certificate stays below 7 KB. */
export const MEMBERS_MAX = 100

/** Weight of one member. Integers only: no float ever decides a quorum. */
export const WEIGHT_MAX = 1_000

/** The weight that may lie, collude or vanish out of `total`: the largest F with 3F < total. */
export function faultWeight(total: number): number {
  return (total - 1 - ((total - 1) % 3)) / 3
}

/**
 * The least weight of a quorum, floor(2 total / 3) + 1. Two quorums overlap in more than F, and the
 * honest weight alone reaches it.
 */
export function quorumWeight(total: number): number {
  return total - faultWeight(total)
}

export function sumOf(weights: readonly number[]): number {
  return weights.reduce((sum, weight) => sum + weight, 0)
}

export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
