import { equal } from '@brume/codec'
import { type Candidate, formCommittee, type MemberClass, type Policy, type Unsound } from '@brume/consensus'
import type { ManifestMember, Membership } from '@brume/protocols/quorum'
import { describe, has, isSeated } from './membership.ts'

/** A member-to-be with everything the next committee's record of it needs. */
interface Standing extends Candidate, Omit<ManifestMember, 'weight' | 'class'> {}

export interface Turnover {
  readonly membership: Membership
  /** Why the committee after the next one stays as the next one is; null if a new one was formed. */
  readonly failure: Unsound | null
}

/**
 * What follows a closing block: the next committee sits, and the one after it is formed, of what is final now, so
 * that no leader's own turn can change its weight.
 *
 * @param closed - the membership after the closing block, its leader's draw included
 */
export function turnOver(closed: Membership, policy: Policy, height: number, timeMs: number): Turnover {
  const { draw, next } = closed
  const formation = formCommittee(standings(closed), policy, draw)
  const formed = formation.formed ? formation.members.map(memberOf) : next
  const seated = { members: next, next: formed }
  const epoch = closed.epoch + 1
  const sits = (key: Uint8Array) => isSeated({ ...closed, ...seated }, key)
  return {
    failure: formation.formed ? null : formation,
    membership: {
      ...closed,
      ...seated,
      epoch,
      openedHeight: height,
      openedMs: timeMs,
      seed: draw,
      drawn: [],
      candidates: closed.candidates.filter(({ key }) => !formation.formed || !has(formed, key)),
      // The next committee to be formed is that of `epoch + 2`.
      vouches: closed.vouches.filter(({ voucher, untilEpoch }) => untilEpoch >= epoch + 2 && sits(voucher)),
      leaving: closed.leaving.filter(sits),
      closes: [],
      urgent: Math.max(0, closed.urgent - 1)
    }
  }
}

function memberOf({
  peer,
  key,
  vrfKey,
  weight,
  operator,
  site,
  hardware,
  class: ownClass,
  volatile
}: Standing & { readonly weight: number }): ManifestMember {
  return { peer, key, vrfKey, weight, operator, site, hardware, class: ownClass, volatile }
}

/**
 * Everybody who may sit: members of the next committee, and candidates. A member keeps its seat and class as far as
 * nobody says otherwise; a candidate gets one only if members of more than half the weight vouch for it.
 */
function standings(membership: Membership): readonly Standing[] {
  const { next, candidates } = membership
  const sitting = next.map((member) => standing(membership, describe(membership, member), member.class))
  const asking = candidates
    .filter(({ key }) => !has(next, key))
    .map((candidate) => standing(membership, { ...candidate, weight: 1, class: 0 }, null))
  return [...sitting, ...asking]
}

/** @param byDefault - the class that a member who says nothing about it vouches for; null = none at all */
function standing(membership: Membership, member: ManifestMember, byDefault: MemberClass | null): Standing {
  const { leaving, warrants } = membership
  const { peer, key, vrfKey, operator, site, hardware, volatile } = member
  const vouched = vouchedClass(membership, key, byDefault)
  const isOut = has(warrants, key) || leaving.some((other) => equal(other, key))
  return {
    peer,
    key,
    vrfKey,
    operator,
    site,
    hardware,
    volatile,
    domains: { operator, site, hardware },
    class: vouched ?? 0,
    admitted: vouched !== null && !isOut
  }
}

/** The highest class that members of more than half the weight vouch for; null if they do not even for the lowest. */
function vouchedClass(
  { epoch, members, vouches }: Membership,
  subject: Uint8Array,
  byDefault: MemberClass | null
): MemberClass | null {
  const opinions = members.map(({ key, weight }) => {
    const said = vouches.find(
      (vouch) => equal(vouch.voucher, key) && equal(vouch.subject, subject) && vouch.untilEpoch >= epoch + 2
    )
    if (said === undefined) return { weight, class: byDefault }
    return { weight, class: said.admit ? said.class : null }
  })
  const total = opinions.reduce((sum, { weight }) => sum + weight, 0)
  const supports = (wanted: MemberClass) =>
    opinions.reduce(
      (sum, opinion) => (opinion.class !== null && opinion.class >= wanted ? sum + opinion.weight : sum),
      0
    )
  for (const wanted of [2, 1, 0] as const) if (2 * supports(wanted) > total) return wanted
  return null
}
