import { faultWeight, MEMBERS_MAX, quorumWeight, sumOf, WEIGHT_MAX } from './arith.ts'
import { type Diversity, type Domains, meetsDiversity } from './diversity.ts'
import { CommitteeError } from './errors.ts'
import { leaderOrder } from './leader.ts'
import { KIND } from './statement.ts'

export interface CommitteeMember {
  /** Ed25519 public key, 32 bytes. Members are in ascending order of it. */
  readonly key: Uint8Array
  /** 1 to 1,000. */
  readonly weight: number
  /** What diversity conditions look at; a missing attribute is the domain `?`. */
  readonly domains?: Domains
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
  /** What the signers of a block must meet beside their weight; empty = weight alone decides. */
  readonly diversity: readonly Diversity[]
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
  readonly diversity?: readonly Diversity[]
}): Committee {
  const { groupId, epoch, hash, members, seed, diversity = [] } = input
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
  requireReachable(diversity, members)
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
    diversity,
    leaders: leaderOrder(members, seed)
  }
}

/** A condition that all members together do not meet would stop the group for ever. */
function requireReachable(diversity: readonly Diversity[], members: readonly CommitteeMember[]): void {
  for (const { attribute, minDistinct } of diversity) {
    if (!Number.isInteger(minDistinct) || minDistinct < 1) {
      throw new CommitteeError(`${minDistinct} is no number of domains of ${attribute}`)
    }
    if (!meetsDiversity([{ attribute, minDistinct }], members)) {
      throw new CommitteeError(`the members are in fewer than ${minDistinct} domains of ${attribute}`)
    }
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

/** Kind of an attestation: it decides nothing, so one honest signer is enough. */
const ATTEST = 6

/**
 * Do these signers make a certificate of this kind? Weight of a quorum and every diversity condition; a
 * nullification needs the weight only, or lost diversity would also stop the views; an attestation (kind 6)
 * needs more than F, so that an honest member is among them.
 *
 * @param kind - a number of `KIND`, or 4 checkpoint, 5 result, 6 attest
 * @param signers - indices; an index twice counts once, one that is no member's counts for nothing
 */
export function certifies(committee: Committee, kind: number, signers: Iterable<number>): boolean {
  const distinct = new Set(signers)
  const weight = weightOf(committee, distinct)
  if (kind === ATTEST) return weight > committee.faults
  if (weight < committee.quorum) return false
  return kind === KIND.nullify || isDiverse(committee, distinct)
}

/** The diversity conditions alone. */
export function isDiverse({ diversity, members }: Committee, signers: Iterable<number>): boolean {
  if (diversity.length === 0) return true
  return meetsDiversity(
    diversity,
    [...signers].flatMap((signer) => members[signer] ?? [])
  )
}
