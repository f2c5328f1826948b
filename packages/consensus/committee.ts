import { faultWeight, MEMBERS_MAX, quorumWeight, sumOf, WEIGHT_MAX } from './arith.ts'
import { CommitteeError } from './errors.ts'
import { leaderOrder } from './leader.ts'

export interface CommitteeMember {
  /** Ed25519 public key, 32 bytes. Members are in ascending order of it. */
  readonly key: Uint8Array
  /** 1 to 1,000. */
  readonly weight: number
}

/** Who may vote in one epoch, and with what weight. Immutable; the index of a member is its signer index. */
export interface Committee {
  readonly groupId: Uint8Array
  readonly epoch: number
  /** Binds every signature to this list of members, 32 bytes. */
  readonly hash: Uint8Array
  readonly members: readonly CommitteeMember[]
  /** Sum of all weights; the weight that may fail; the least weight that decides. */
  readonly total: number
  readonly faults: number
  readonly quorum: number
  readonly leaders: readonly number[]
}

/**
 * Checks limits and order and derives the arithmetic.
 *
 * @param seed - 32 bytes that fix the order of leaders
 * @throws CommitteeError `BRUME_QUORUM_COMMITTEE`
 */
export function createCommittee(input: {
  readonly groupId: Uint8Array
  readonly epoch: number
  readonly hash: Uint8Array
  readonly seed: Uint8Array
  readonly members: readonly CommitteeMember[]
}): Committee {
  const { groupId, epoch, hash, members, seed } = input
  if (members.length < 1 || members.length > MEMBERS_MAX) {
    throw new CommitteeError(`a committee has 1 to ${MEMBERS_MAX} members, not ${members.length}`)
  }
  members.forEach(({ key, weight }, index) => {
    if (!Number.isInteger(weight) || weight < 1 || weight > WEIGHT_MAX) {
      throw new CommitteeError(`member ${index} weighs ${weight}; a weight is an integer from 1 to ${WEIGHT_MAX}`)
    }
    const before = members[index - 1]
    if (before !== undefined && Buffer.compare(before.key, key) >= 0) {
      throw new CommitteeError(`members must ascend by key; ${index} does not`)
    }
  })
  const total = sumOf(members.map(({ weight }) => weight))
  const faults = faultWeight(total)
  return {
    groupId,
    epoch,
    hash,
    members,
    total,
    faults,
    quorum: quorumWeight(total),
    leaders: leaderOrder(members, seed)
  }
}

/** The member that proposes in this view; views count from 1. */
export function leaderOf(committee: Committee, view: number): number {
  return committee.leaders[(view - 1) % committee.leaders.length] ?? 0
}

/** Summed weight of distinct signers. An index that is no member's weighs nothing. */
export function weightOf(committee: Committee, signers: Iterable<number>): number {
  let weight = 0
  for (const signer of new Set(signers)) weight += committee.members[signer]?.weight ?? 0
  return weight
}
