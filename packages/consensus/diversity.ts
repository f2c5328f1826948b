/** What a member is run by, stands at, runs on: attribute name to domain name. */
export type Domains = Readonly<Record<string, string>>

/** Signers must come from at least `minDistinct` domains of `attribute`. */
export interface Diversity {
  readonly attribute: string
  /** 1 to 100. */
  readonly minDistinct: number
}

/** All members that do not say where they belong form one domain: silence must not look like variety. */
export const UNKNOWN_DOMAIN = '?'

/** The member's domain of this attribute; a missing or empty one is `?`. */
export function domainOf(member: { readonly domains?: Domains }, attribute: string): string {
  const { domains } = member
  if (domains === undefined || !Object.hasOwn(domains, attribute)) return UNKNOWN_DOMAIN
  return domains[attribute] || UNKNOWN_DOMAIN
}

/** Do these members meet every condition? A condition added to weight costs liveness and never safety. */
export function meetsDiversity(
  diversity: readonly Diversity[],
  members: readonly { readonly domains?: Domains }[]
): boolean {
  return diversity.every(
    ({ attribute, minDistinct }) => new Set(members.map((member) => domainOf(member, attribute))).size >= minDistinct
  )
}
