import { concat, encode, toHex, utf8 } from '@brume/codec'
import { certify, KIND, type Proposal, type Statement, signedBytes } from '@brume/consensus'
import { auditPath, deriveSeed, type Identity, identityFromSeed, leafHash, merkleRoot, sha256 } from '@brume/crypto'
import {
  type AttestationProof,
  attestedBytes,
  type Bundle,
  bodyOf,
  CHECKPOINT,
  type CheckpointProof,
  type Closing,
  checkpointBytes,
  committeeFrom,
  committeeHash,
  DEFAULT_PACE,
  encodeCommittee,
  encodeManifest,
  type LeafProof,
  type ManifestMember,
  makeBlock,
  NO_TURN,
  recordDigest,
  statementDigest,
  stateRootOf,
  type TrustedCommittee,
  type Turn,
  trustManifest
} from './index.ts'

/** Domain of the statements that the samples attest. */
export const SAMPLE_DOMAIN = 'brume/sample-attest/1'

const person = (number: number): Identity => identityFromSeed(sha256(Uint8Array.of(77, number)))

/** A member by number: site `site-0` to `site-2` in turn. */
export function sampleMember(number: number, weight = 1): Omit<ManifestMember, 'class' | 'volatile'> {
  const { peerId, publicKey, seed } = person(number)
  const vrfKey = identityFromSeed(deriveSeed(seed, 'brume/vrf/1')).publicKey
  return {
    peer: peerId,
    key: publicKey,
    vrfKey,
    weight,
    operator: `op-${number}`,
    site: `site-${number % 3}`,
    hardware: ''
  }
}

export function sampleTrust(size: number, diverse = 0): TrustedCommittee {
  const manifest = encodeManifest({
    name: 'bundle',
    nonce: new Uint8Array(32).fill(5),
    pace: DEFAULT_PACE,
    policy: {
      classWeights: [100, 150, 200],
      caps: [],
      surviveDown: [],
      diversity: diverse === 0 ? [] : [{ attribute: 'site', minDistinct: diverse }]
    },
    members: Array.from({ length: size }, (_, i) => sampleMember(i)),
    program: new Uint8Array()
  })
  return trustManifest(manifest, { domain: SAMPLE_DOMAIN })
}

/** The same group one epoch later, with these members. */
export function nextTrust(trusted: TrustedCommittee, numbers: readonly number[]): TrustedCommittee {
  const members = numbers.map((number) => ({ ...sampleMember(number), class: 0 as const, volatile: false }))
  members.sort((a, b) => Buffer.compare(a.key, b.key))
  const { groupId, epoch } = trusted.committee
  const { manifest } = trusted
  const of = { groupId, epoch: epoch + 1, seed: manifest.nonce, members, policy: manifest.policy }
  return { ...trusted, members, committee: committeeFrom(of) }
}

const everybody = ({ members }: TrustedCommittee): readonly number[] => members.map((_, index) => index)

export function sign({ members }: TrustedCommittee, index: number, message: Uint8Array): Uint8Array {
  const key = members[index]?.key ?? new Uint8Array()
  for (let number = 0; number < 256; number++) {
    const identity = person(number)
    if (Buffer.compare(identity.publicKey, key) === 0) return identity.sign(message)
  }
  throw new RangeError(`no member ${index}`)
}

export function sampleFinalization(trusted: TrustedCommittee, block: Proposal, signers = everybody(trusted)) {
  const { epoch, view, parentView, digest } = block
  const statement: Statement = { kind: KIND.finalize, epoch, view, parentView, digest }
  const message = signedBytes(trusted.committee, statement)
  return certify(signers.map((signer) => ({ ...statement, signer, signature: sign(trusted, signer, message) })))
}

/** Blocks on one another, oldest first; the last one closes the epoch where a turn is given. */
export function sampleChain(trusted: TrustedCommittee, length: number, turn: Turn = NO_TURN): readonly Proposal[] {
  const { groupId, epoch } = trusted.committee
  const blocks: Proposal[] = []
  let parent = { digest: toHex(sha256(utf8(`parent ${epoch}`))), view: 2 + epoch, height: 1 }
  for (let i = 0; i < length; i++) {
    const place = { groupId, epoch, view: parent.view + 2, height: parent.height + 1, parentView: parent.view }
    const block = makeBlock({ ...place, parent: parent.digest }, 1_000 + i, [], i === length - 1 ? turn : NO_TURN)
    blocks.push(block)
    parent = block
  }
  return blocks
}

export const headersOf = (blocks: readonly Proposal[]): readonly Uint8Array[] =>
  blocks.map((block) => bodyOf(block).header).reverse()

export function sampleClosing(trusted: TrustedCommittee, next: TrustedCommittee): Closing {
  const committee = encodeCommittee(next.committee.groupId, next.members)
  const nextCommittee = committeeHash(committee)
  const [block] = sampleChain(trusted, 1, { nextCommittee, vrfProof: new Uint8Array(80) })
  if (block === undefined) throw new RangeError('a chain of one block')
  const stays = Buffer.compare(nextCommittee, trusted.committee.hash) === 0
  return {
    header: bodyOf(block).header,
    finalization: sampleFinalization(trusted, block),
    committee: stays ? null : committee
  }
}

const LEAVES = ['zero', 'one', 'two', 'three', 'four'].map((word, index) => encode([word, index]))

function sampleLeaf(index: number): LeafProof & { readonly root: Uint8Array } {
  const hashes = LEAVES.map(leafHash)
  const leaf = LEAVES[index] ?? new Uint8Array()
  const root = stateRootOf(LEAVES.length, merkleRoot(hashes))
  return { leaf, index, count: LEAVES.length, path: auditPath(hashes, index), root }
}

export function sampleAttestation(
  trusted: TrustedCommittee,
  block: Proposal,
  options: { readonly signers?: readonly number[]; readonly domain?: string } = {}
): AttestationProof {
  const { root, ...place } = sampleLeaf(3)
  const statement = concat(trusted.committee.groupId, Buffer.from(block.digest, 'hex'), root)
  const message = attestedBytes(options.domain ?? SAMPLE_DOMAIN, statementDigest(statement))
  const signers = options.signers ?? everybody(trusted)
  return {
    kind: 6,
    statement,
    certificate: {
      epoch: block.epoch,
      view: block.view,
      statement: statementDigest(statement),
      signers,
      signatures: signers.map((signer) => sign(trusted, signer, message))
    },
    ...place
  }
}

export function sampleCheckpoint(
  trusted: TrustedCommittee,
  block: Proposal,
  signers = everybody(trusted)
): CheckpointProof {
  const { root, ...place } = sampleLeaf(4)
  const { epoch, height, digest } = block
  const said = { epoch, height, block: digest, record: recordDigest(utf8('record')), stateRoot: toHex(root) }
  const message = checkpointBytes(trusted.committee, said)
  const signatures = signers.map((signer) => sign(trusted, signer, message))
  return { kind: CHECKPOINT, certificate: { ...said, signers, signatures }, ...place }
}

/** A bundle of three headers, with or without what came of the block. */
export function sampleBundle(trusted: TrustedCommittee, blocks = sampleChain(trusted, 3)): Bundle {
  const [last] = blocks.slice(-1)
  if (last === undefined) throw new RangeError('no blocks')
  return { closings: [], headers: headersOf(blocks), finalization: sampleFinalization(trusted, last), proof: null }
}
