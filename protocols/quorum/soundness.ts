import { type DomainRisk, requireSound, singleDomains } from '@brume/consensus'
import type { Manifest, ManifestMember } from './manifest.ts'
import { ATTRIBUTES } from './policy.ts'

/**
 * What who founds a group checks once: that no member, capped domain or volatile crowd outweighs F, and that
 * the conditions outlast the silences they name.
 *
 * @throws CommitteeError `BRUME_QUORUM_COMMITTEE`
 */
export function requireSoundManifest({ members, policy }: Manifest): void {
  requireSound(members.map(weighable), policy)
}

/** What single domains of the founding members can do to the group, by attribute and domain. */
export function risksOf({ members, policy }: Manifest): readonly DomainRisk[] {
  return ATTRIBUTES.flatMap((attribute) => singleDomains(members.map(weighable), attribute, policy.diversity))
}

function weighable({ weight, volatile, operator, site, hardware }: ManifestMember) {
  return { weight, volatile, domains: { operator, site, hardware } }
}
