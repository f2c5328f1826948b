import { toHex, utf8 } from '@brume/codec'
import { DOMAIN, deriveSeed, type Identity, identityFromSeed } from '@brume/crypto'
import { DEFAULT_PACE, encodeManifest, groupIdOf } from '@brume/protocols/quorum'

/** Equal weights: of n peers (n - 1) / 3 may fail, as everybody who counts rows expects. */
const WEIGHT = 1

/** A group of all these peers that replicates `program`. */
export function makeGroup(
  program: string,
  identities: readonly Identity[],
  nonce: Uint8Array
): { readonly groupId: string; readonly manifest: Uint8Array } {
  const manifest = encodeManifest({
    name: program,
    nonce,
    pace: DEFAULT_PACE,
    program: utf8(program),
    members: identities.map((identity) => ({
      peer: identity.peerId,
      key: identity.publicKey,
      vrfKey: identityFromSeed(deriveSeed(identity.seed, DOMAIN.vrf)).publicKey,
      weight: WEIGHT,
      operator: '',
      site: '',
      hardware: ''
    }))
  })
  return { groupId: toHex(groupIdOf(manifest)), manifest }
}
