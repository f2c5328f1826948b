import { toHex } from '@brume/codec'
import { certify, KIND, NO_DIGEST, type Statement, signedBytes, type Vote, type VoteKind } from '@brume/consensus'
import { deriveSeed, identityFromSeed, sha256 } from '@brume/crypto'
import {
  commandId,
  committeeOf,
  DEFAULT_PACE,
  encodeCall,
  encodeManifest,
  type Frame,
  groupIdOf,
  makeBlock,
  outlineOf
} from './index.ts'

/** Fixed examples that the tests and `vectors.json` are made of. Ed25519 is deterministic, so they are too. */
export const identities = [1, 2, 3, 4].map((byte) => identityFromSeed(new Uint8Array(32).fill(byte)))

export const manifest = encodeManifest({
  name: 'sample',
  nonce: new Uint8Array(32).fill(9),
  admit: { type: 'members' },
  pace: DEFAULT_PACE,
  members: identities.map(({ peerId, publicKey, seed }, i) => ({
    peer: peerId,
    key: publicKey,
    vrfKey: identityFromSeed(deriveSeed(seed, 'brume/vrf/1')).publicKey,
    weight: i + 1,
    operator: `operator-${i}`,
    site: '',
    hardware: ''
  })),
  program: Buffer.from('counter')
})

export const groupId = groupIdOf(manifest)
export const committee = committeeOf(manifest)

/** The identity of the member with this index: the manifest orders members by key. */
export function memberIdentity(index: number) {
  const key = committee.members[index]?.key ?? new Uint8Array()
  const identity = identities.find(({ publicKey }) => Buffer.compare(publicKey, key) === 0)
  if (identity === undefined) throw new RangeError(`no member ${index}`)
  return identity
}

export const call = Uint8Array.from(
  encodeCall(
    { groupId, session: 1, sequence: 2, expiresMs: 1_700_000_000_000, body: new TextEncoder().encode('body') },
    memberIdentity(0)
  )
)

export const block = makeBlock(
  { groupId, epoch: 0, view: 5, height: 3, parentView: 4, parent: toHex(sha256(groupId)) },
  1_699_999_999_000,
  [{ id: toHex(commandId(call)), bytes: call }]
)

/** The last block of epoch 0, and the first of its leader. */
export const closingBlock = makeBlock(
  { groupId, epoch: 0, view: 6, height: 4, parentView: 5, parent: block.digest },
  1_699_999_999_500,
  [],
  { nextCommittee: committee.hash, vrfProof: new Uint8Array(80).fill(7) }
)

export function voteOf(kind: VoteKind, signer: number): Vote {
  const names = kind !== KIND.nullify
  const statement: Statement = {
    kind,
    epoch: 0,
    view: 5,
    parentView: names ? 4 : 0,
    digest: names ? block.digest : NO_DIGEST
  }
  return {
    ...statement,
    signer,
    signature: Uint8Array.from(memberIdentity(signer).sign(signedBytes(committee, statement)))
  }
}

export const certificate = certify([1, 2, 3].map((signer) => voteOf(KIND.finalize, signer)))

export const frames: readonly Frame[] = [
  {
    type: 'votes',
    view: 5,
    final: 4,
    votes: [voteOf(KIND.notarize, 0), voteOf(KIND.nullify, 0), voteOf(KIND.finalize, 0)]
  },
  { type: 'propose', proposal: block, signature: voteOf(KIND.notarize, 1).signature },
  { type: 'certificate', certificate },
  { type: 'outline', outline: outlineOf(block, voteOf(KIND.notarize, 1).signature) },
  { type: 'command', command: call },
  { type: 'offer', id: toHex(commandId(call)), bytes: 9_000 },
  { type: 'status', epoch: 0, view: 5, final: 4, height: 2 },
  { type: 'request', epoch: 0, view: 5, want: KIND.notarize },
  { type: 'echo', epoch: 0, votes: [voteOf(KIND.finalize, 2), voteOf(KIND.notarize, 2)] }
]
