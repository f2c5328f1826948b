import { faultWeight, quorumWeight, sumOf } from './arith.ts'
import { domainsOf, largestExcess, sharesOf, TOLERATING_NONE_MAX, type Weighable } from './clamp.ts'
import { type Diversity, meetsDiversity } from './diversity.ts'
import { CommitteeError } from './errors.ts'
import type { Policy } from './policy.ts'

/** Why members form no committee, and which ones; the detail is for people. */
export interface Unsound {
  readonly reason: 'nobody' | 'caps' | 'diversity' | 'surviveDown'
  readonly detail: string
}

/** Every diversity condition must outlast the silence of any weight up to F; each `surviveDown` domain's, too. */
export function unavailable(members: readonly Weighable[], policy: Policy): Unsound | null {
  for (const { attribute, minDistinct } of policy.diversity) {
    const left = domainsLeft(members, attribute)
    if (left < minDistinct) {
      return { reason: 'diversity', detail: `${left} domains of ${attribute} outlast F, ${minDistinct} are demanded` }
    }
  }
  for (const attribute of policy.surviveDown) {
    const lost = singleDomains(members, attribute, policy.diversity).find(({ maySilent }) => !maySilent)
    if (lost !== undefined) {
      return { reason: 'surviveDown', detail: `without ${attribute} ${lost.domain} the rest cannot decide` }
    }
  }
  return null
}

/** Domains of an attribute that remain when as many as possible fall silent, together at most F of weight. */
function domainsLeft(members: readonly Weighable[], attribute: string): number {
  const weights = [...domainsOf(members, attribute).values()].map((inside) => weigh(members, inside))
  let silent = faultWeight(weigh(members))
  weights.sort((a, b) => a - b)
  const stays = weights.findIndex((weight) => {
    silent -= weight
    return silent < 0
  })
  return stays < 0 ? 0 : weights.length - stays
}

/** What one whole domain of an attribute can do to the group alone. */
export interface DomainRisk {
  readonly attribute: string
  readonly domain: string
  readonly weight: number
  /** Without it the rest still reaches a quorum and meets every diversity condition: the group goes on. */
  readonly maySilent: boolean
  /** It weighs at most F: whatever it says, nothing final is revoked. It may still stop the group by silence. */
  readonly mayLie: boolean
}

/** The domains of one attribute, each alone: what their silence and their lies do. */
export function singleDomains(
  members: readonly Weighable[],
  attribute: string,
  diversity: readonly Diversity[]
): readonly DomainRisk[] {
  const total = weigh(members)
  return [...domainsOf(members, attribute)].map(([domain, inside]) => {
    const weight = weigh(members, inside)
    const rest = members.filter((_, i) => !inside.includes(i))
    const maySilent = total - weight >= quorumWeight(total) && meetsDiversity(diversity, rest)
    return { attribute, domain, weight, maySilent, mayLie: weight <= faultWeight(total) }
  })
}

/**
 * For members whose weights somebody chose, as in a manifest: no share above its limit, equal weights where
 * nothing is tolerated, and availability.
 *
 * @throws CommitteeError `BRUME_QUORUM_COMMITTEE`
 */
export function requireSound(members: readonly Weighable[], policy: Policy): void {
  const unsound = members.length === 0 ? NOBODY : (unbalanced(members, policy) ?? unavailable(members, policy))
  if (unsound !== null) throw new CommitteeError(`${unsound.detail}; choose other weights, members or conditions`)
}

export const NOBODY: Unsound = { reason: 'nobody', detail: 'a committee needs members' }

function unbalanced(members: readonly Weighable[], { caps }: Policy): Unsound | null {
  if (members.length <= TOLERATING_NONE_MAX && new Set(members.map(({ weight }) => weight)).size > 1) {
    return { reason: 'caps', detail: `up to ${TOLERATING_NONE_MAX} members must weigh the same` }
  }
  const shares = sharesOf(members, caps)
  const sums = shares.map((share) => weigh(members, share.members))
  const worst = largestExcess(shares, sums, weigh(members), members.length)
  if (worst === undefined) return null
  return { reason: 'caps', detail: `${shares[worst]?.name} with weight ${sums[worst]} can stop the group or lie to it` }
}

function weigh(members: readonly Weighable[], inside?: readonly number[]): number {
  if (inside === undefined) return sumOf(members.map(({ weight }) => weight))
  return sumOf(inside.map((i) => members[i]?.weight ?? 0))
}
