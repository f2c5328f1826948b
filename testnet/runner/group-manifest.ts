import { compare, toHex, utf8 } from '@brume/codec'
import { DEFAULT_POLICY, formCommittee, type Policy } from '@brume/consensus'
import { DOMAIN, deriveSeed, type Identity, identityFromSeed } from '@brume/crypto'
import { DEFAULT_PACE, encodeManifest, groupIdOf } from '@brume/protocols/quorum'
import { TestnetError } from '../errors.ts'

export interface GroupMember {
  readonly identity: Identity
  readonly weight: number
  readonly operator: string
  readonly site: string
}

/** What is settled for a group besides its members. */
export interface GroupTerms {
  /** Milliseconds: the first guess of a message's way, and the least time between two proposals. */
  readonly deltaMs: number
  readonly minViewMs: number
  /** Attributes of which no single value may weigh more than may fail; with one, weights follow from it. */
  readonly caps: readonly ('operator' | 'site')[]
}

/** A group of all these peers that replicates `program`. Throws `BRUME_TESTNET_ARGUMENT` where the caps cannot be met. */
export function makeGroup(
  program: string,
  members: readonly GroupMember[],
  nonce: Uint8Array,
  { caps = [], ...pace }: Partial<GroupTerms> = {}
): { readonly groupId: string; readonly manifest: Uint8Array } {
  const policy: Policy = { ...DEFAULT_POLICY, caps }
  const weighed = caps.length === 0 ? members : underCaps(members, policy, nonce)
  const manifest = encodeManifest({
    name: program,
    nonce,
    pace: { ...DEFAULT_PACE, ...pace },
    policy,
    program: utf8(program),
    members: weighed.map(({ identity, weight, operator, site }) => ({
      peer: identity.peerId,
      key: identity.publicKey,
      vrfKey: identityFromSeed(deriveSeed(identity.seed, DOMAIN.vrf)).publicKey,
      weight,
      operator,
      site,
      hardware: ''
    }))
  })
  return { groupId: toHex(groupIdOf(manifest)), manifest }
}

/** The same members with the weights that the group itself would give them. */
function underCaps(members: readonly GroupMember[], policy: Policy, nonce: Uint8Array): readonly GroupMember[] {
  const candidates = members
    .map((member) => ({
      ...member,
      key: member.identity.publicKey,
      class: 0 as const,
      domains: { operator: member.operator, site: member.site },
      volatile: false,
      admitted: true
    }))
    .sort((a, b) => compare(a.key, b.key))
  const formation = formCommittee(candidates, policy, nonce)
  if (formation.formed) return formation.members
  throw new TestnetError('BRUME_TESTNET_ARGUMENT', `these peers cannot form a group: ${formation.detail}`)
}
