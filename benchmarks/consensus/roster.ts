import { concat, utf8 } from '@brume/codec'
import { DOMAIN, deriveSeed, type Identity, identityFromSeed, sha256 } from '@brume/crypto'
import { DEFAULT_PACE, encodeManifest } from '@brume/protocols/quorum'
import type { Variant } from './plan.ts'

/** Who takes part; the same in every process, since all of it is made of one nonce. */
export interface Roster {
  /** In the order of the manifest: ascending by key. */
  readonly identities: readonly Identity[]
  readonly networkId: Uint8Array
  manifestOf(variant: Variant): Uint8Array
}

export function rosterOf(nonce: Uint8Array, members: number): Roster {
  const identities = Array.from({ length: members }, (_, i) => identityFromSeed(sha256(nonce, Uint8Array.of(i)))).sort(
    (a, b) => Buffer.compare(a.publicKey, b.publicKey)
  )
  return {
    identities,
    networkId: sha256(nonce),
    manifestOf: ({ name, state }) =>
      encodeManifest({
        name: 'bench',
        nonce: sha256(concat(nonce, utf8(name))),
        pace: { ...DEFAULT_PACE, minViewMs: 0, ...(state && { checkpointBlocks: state.checkpointBlocks }) },
        members: identities.map(memberOf),
        program: utf8('bench')
      })
  }
}

function memberOf({ peerId, publicKey, seed }: Identity) {
  const vrfKey = identityFromSeed(deriveSeed(seed, DOMAIN.vrf)).publicKey
  return { peer: peerId, key: publicKey, vrfKey, weight: 1, operator: '', site: '', hardware: '' }
}
