import { faultWeight, sumOf } from './arith.ts'
import { type Domains, domainOf } from './diversity.ts'

/** From so many members on, one alone weighs at most a tenth: F alone would let one lead a third of all views. */
const MANY_MEMBERS = 20

/** Up to so many members nothing is tolerated, so no limit on one of them means anything. */
export const TOLERATING_NONE_MAX = 3

export interface Weighable {
  readonly weight: number
  readonly domains: Domains
  /** Its journal is not synced; after a crash all such members may abstain at once. */
  readonly volatile: boolean
}

/** Members that together may weigh no more than a limit. */
export interface Share {
  readonly name: string
  readonly members: readonly number[]
  readonly single: boolean
}

/** In the order in which ties are broken: single members, domains of each capped attribute, all volatile ones. */
export function sharesOf(members: readonly Omit<Weighable, 'weight'>[], caps: readonly string[]): readonly Share[] {
  const singles = members.map((_, i) => ({ name: `member ${i}`, members: [i], single: true }))
  const shares: Share[] = members.length > TOLERATING_NONE_MAX ? singles : []
  for (const attribute of caps) {
    for (const [domain, inside] of domainsOf(members, attribute)) {
      shares.push({ name: `${attribute} ${domain}`, members: inside, single: false })
    }
  }
  const volatile = members.flatMap((member, i) => (member.volatile ? [i] : []))
  if (volatile.length > 0) shares.push({ name: 'all volatile members', members: volatile, single: false })
  return shares
}

/** The members of each domain of an attribute, domains in order of their first member. */
export function domainsOf(
  members: readonly { readonly domains?: Domains }[],
  attribute: string
): ReadonlyMap<string, readonly number[]> {
  const domains = new Map<string, number[]>()
  members.forEach((member, i) => {
    const domain = domainOf(member, attribute)
    const inside = domains.get(domain)
    if (inside === undefined) domains.set(domain, [i])
    else inside.push(i)
  })
  return domains
}

/** What a single member, and what a domain or all volatile members, may weigh of `total` among `count` members. */
function limitsOf(total: number, count: number): { readonly single: number; readonly many: number } {
  const many = faultWeight(total)
  return { many, single: count < MANY_MEMBERS ? many : Math.min(many, Math.floor(total / 10)) }
}

/** The share that exceeds its limit most, the first of equals; undefined if none does. */
export function largestExcess(
  shares: readonly Share[],
  sums: readonly number[],
  total: number,
  count: number
): number | undefined {
  const { single, many } = limitsOf(total, count)
  let [worst, most]: [number | undefined, number] = [undefined, 0]
  for (let at = 0; at < shares.length; at++) {
    const excess = (sums[at] ?? 0) - (shares[at]?.single ? single : many)
    if (excess > most) [worst, most] = [at, excess]
  }
  return worst
}

/**
 * Lowers weights, one by one, until no share exceeds its limit: each time the heaviest member, the first of
 * equals, of the share that exceeds it most. Each step takes 1 from the total, so it ends.
 *
 * @returns the weights, or the name of a share that would need a member without weight
 */
export function clampWeights(
  members: readonly Weighable[],
  caps: readonly string[]
): { readonly weights: readonly number[] } | { readonly exceeds: string } {
  const shares = sharesOf(members, caps)
  const weights = members.map(({ weight }) => weight)
  const sums = shares.map((share) => sumOf(share.members.map((i) => weights[i] ?? 0)))
  const sharesOfMember = members.map((_, i) => shares.flatMap((share, at) => (share.members.includes(i) ? [at] : [])))
  for (let total = sumOf(weights); ; total--) {
    const worst = largestExcess(shares, sums, total, members.length)
    const share = worst === undefined ? undefined : shares[worst]
    if (share === undefined) return { weights }
    const lowered = heaviestOf(share, weights)
    const weight = weights[lowered] ?? 0
    if (weight <= 1) return { exceeds: share.name }
    weights[lowered] = weight - 1
    for (const at of sharesOfMember[lowered] ?? []) sums[at] = (sums[at] ?? 0) - 1
  }
}

function heaviestOf({ members }: Share, weights: readonly number[]): number {
  let heaviest = members[0] ?? 0
  for (const i of members) if ((weights[i] ?? 0) > (weights[heaviest] ?? 0)) heaviest = i
  return heaviest
}
