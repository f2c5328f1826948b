import { toHex } from '@brume/codec'
import { certify, KIND, type Statement, signedBytes } from '@brume/consensus'
import { type Identity, identityFromSeed, sha256 } from '@brume/crypto'
import {
  bodyOf,
  committeeOf,
  DEFAULT_PACE,
  encodeBundle,
  encodeCertificate,
  encodeManifest,
  makeBlock
} from '@brume/protocols/quorum'

/** A final block of a group of equal members, all of whom signed. */
export interface Sample {
  readonly manifest: Uint8Array
  readonly certificateBytes: number
  readonly bundle: Uint8Array
  /** One of the signatures inside, with its message. */
  readonly one: { readonly key: Uint8Array; readonly message: Uint8Array; readonly signature: Uint8Array }
}

/** @param nonce - another one gives other keys: such as no cache has seen */
export function makeSample(signers: number, nonce: Uint8Array): Sample {
  const identities = Array.from({ length: signers }, (_, i) => identityFromSeed(sha256(nonce, Uint8Array.of(i))))
  const manifest = manifestOf(identities, nonce)
  const committee = committeeOf(manifest)
  const place = {
    groupId: committee.groupId,
    epoch: 0,
    view: 2,
    height: 2,
    parentView: 1,
    parent: toHex(sha256(nonce))
  }
  const block = makeBlock(place, 0, [])
  const statement: Statement = { kind: KIND.finalize, epoch: 0, view: 2, parentView: 1, digest: block.digest }
  const message = signedBytes(committee, statement)
  const byKey = new Map(identities.map((identity) => [toHex(identity.publicKey), identity]))
  const votes = committee.members.map(({ key }, signer) => {
    const signature = byKey.get(toHex(key))?.sign(message) ?? new Uint8Array(64)
    return { ...statement, signer, signature }
  })
  const finalization = certify(votes)
  const bundle = encodeBundle({ closings: [], headers: [bodyOf(block).header], finalization, proof: null })
  const key = committee.members[0]?.key ?? new Uint8Array(32)
  const signature = votes[0]?.signature ?? new Uint8Array(64)
  return {
    manifest,
    certificateBytes: encodeCertificate(finalization).length,
    bundle,
    one: { key, message, signature }
  }
}

function manifestOf(identities: readonly Identity[], nonce: Uint8Array): Uint8Array {
  const attributes = { weight: 1, operator: '', site: '', hardware: '' }
  const members = identities.map(({ peerId, publicKey }) => ({
    peer: peerId,
    key: publicKey,
    vrfKey: publicKey,
    ...attributes
  }))
  return encodeManifest({ name: 'certificate', nonce, pace: DEFAULT_PACE, members, program: new Uint8Array() })
}
