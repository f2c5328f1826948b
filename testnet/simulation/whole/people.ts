import { DEFAULT_POLICY } from '@brume/consensus'
import { deriveSeed, type Identity, identityFromSeed } from '@brume/crypto'
import { DEFAULT_PACE, encodeManifest } from '@brume/protocols/quorum'
import type { SimRandom } from '@brume/testkit'
import type { WholeOptions } from './options.ts'

/** Where members have sites, a block needs signers from so many. */
const SITES_MIN = 2

/** Somebody with keys: a member, a candidate, or a client. */
export interface Person {
  readonly identity: Identity
  readonly vrfKey: Uint8Array
}

/** So many people; the first `members` of them in the order of their keys, which is that of signer indices. */
export function makePeople(random: SimRandom, members: number, others: number): readonly Person[] {
  const all = Array.from({ length: members + others }, () => personOf(random.bytes(32)))
  const seated = all.slice(0, members).sort((a, b) => Buffer.compare(a.identity.publicKey, b.identity.publicKey))
  return [...seated, ...all.slice(members)]
}

function personOf(seed: Uint8Array): Person {
  return { identity: identityFromSeed(seed), vrfKey: identityFromSeed(deriveSeed(seed, 'brume/vrf/1')).publicKey }
}

/** The group of these options, founded by the first of these people. */
export function manifestOf(options: WholeOptions, people: readonly Person[], nonce: Uint8Array): Uint8Array {
  const { deltaMs, minViewMs, maxCommands, epochBlocks, checkpointBlocks } = options
  const members = options.weights.map((weight, i) => {
    const { identity, vrfKey } = people[i] as Person
    const attributes = { operator: '', site: options.sites?.[i] ?? '', hardware: '' }
    return { peer: identity.peerId, key: identity.publicKey, vrfKey, weight, ...attributes }
  })
  const pace = { ...DEFAULT_PACE, deltaMs, minViewMs, maxCommands, epochBlocks, checkpointBlocks }
  const diversity = options.sites === undefined ? [] : [{ attribute: 'site', minDistinct: SITES_MIN }]
  const policy = { ...DEFAULT_POLICY, diversity }
  return encodeManifest({ name: 'simulated', nonce, pace, policy, members, program: new Uint8Array(0) })
}
