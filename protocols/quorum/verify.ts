import { CodecError, equal, toHex } from '@brume/codec'
import {
  type Certificate,
  type Committee,
  certifies,
  isWellFormed,
  KIND,
  signedBytes,
  type VoteKind,
  votesOf
} from '@brume/consensus'
import { importKeys, leafHash, rootFromPath, verify } from '@brume/crypto'
import { ATTEST, attestedBytes, statementDigest } from './attestation.ts'
import { BlockError } from './block.ts'
import {
  type AttestationProof,
  type Bundle,
  type CheckpointProof,
  type Closing,
  decodeBundle,
  type LeafProof
} from './bundle.ts'
import { checkpointBytes, stateRootOf } from './checkpoint.ts'
import { BundleError } from './errors.ts'
import type { Genuine } from './genuine.ts'
import { type Header, readHeader } from './header.ts'
import type { ManifestMember } from './manifest.ts'
import { committeeFrom, committeeHash, decodeCommittee, decodeManifest, groupIdOf, type Manifest } from './manifest.ts'
import type { Signers } from './signers.ts'

/** Whom a verifier believes: the members of one epoch of a group, led back to its manifest. */
export interface TrustedCommittee {
  readonly manifest: Manifest
  readonly committee: Committee
  /** In the order of signer indices. */
  readonly members: readonly ManifestMember[]
  /** Of the program's statements; without it no attestation is believed. */
  readonly domain: string | null
  /** Of who is shown the same certificates by several: each signature is checked once. */
  readonly genuine?: Genuine
}

/** A client's own demand on those who signed, beyond weight and the group's diversity: two vendors, a certain site. */
export type Predicate = (signers: readonly ManifestMember[]) => boolean

/** What a bundle has shown. Digests in lower-case hex. */
export interface Verified {
  readonly header: Header
  /** Members that signed the finalization. */
  readonly signers: readonly ManifestMember[]
  /** From the block with a finalization of its own down to the wanted one, which is `header`. */
  readonly headers: readonly Header[]
  /** The leaf that was shown to be in the state or the outcome of the block, if one was. */
  readonly leaf: Uint8Array | null
  /** Is this another leaf under the same root? False for everything where no leaf was shown. */
  readonly holds: (place: LeafProof) => boolean
  /** Of the epoch in which the block became final: trust from here on, and bundles need no closings up to it. */
  readonly committee: TrustedCommittee
  /** Those that the closings led through, oldest first; the last is `committee`. */
  readonly successors: readonly TrustedCommittee[]
}

/**
 * Trust in a group by its manifest: whoever has it by its group id may have it from anybody. Imports the members' keys.
 *
 * @param of - the group id that is known, and the domain of the program's statements (`Program.domain`)
 * @throws ManifestError, CommitteeError; BundleError `GROUP` where the manifest is not that group's
 */
export function trustManifest(
  bytes: Uint8Array,
  of: { readonly groupId?: Uint8Array; readonly domain?: string } = {}
): TrustedCommittee {
  const groupId = groupIdOf(bytes)
  if (of.groupId !== undefined && !equal(of.groupId, groupId)) {
    throw new BundleError('GROUP', 'this is the manifest of another group')
  }
  const manifest = decodeManifest(bytes)
  const { nonce: seed, members, policy } = manifest
  const committee = committeeFrom({ groupId, epoch: 0, seed, members, policy })
  importKeys(members.map(({ key }) => key))
  return { manifest, committee, members, domain: of.domain ?? null }
}

/**
 * Does this bundle show that a block is final, and what came of it? Needs no peer, no disk and no clock: one
 * signature check for each signature inside, 0.1 ms each, and a few hashes.
 *
 * @param bytes - as `encodeBundle` wrote them
 * @throws BundleError, whose `reason` says which part proves nothing
 */
export function verifyFinal(bytes: Uint8Array, trusted: TrustedCommittee, predicate?: Predicate): Verified {
  return verifyBundle(bytes, trusted, KIND.finalize, predicate)
}

/** As `verifyFinal`, for a block that a quorum has notarized: it may still be revoked. @throws BundleError */
export function verifyNotarized(bytes: Uint8Array, trusted: TrustedCommittee): Verified {
  return verifyBundle(bytes, trusted, KIND.notarize)
}

function verifyBundle(bytes: Uint8Array, trusted: TrustedCommittee, kind: VoteKind, predicate?: Predicate): Verified {
  const bundle = orMalformed(() => decodeBundle(bytes))
  const successors: TrustedCommittee[] = []
  for (const closing of bundle.closings) successors.push(succeed(successors.at(-1) ?? trusted, closing))
  const root = successors.at(-1) ?? trusted
  const headers = followHeaders(bundle, root, kind)
  const header = headers.at(-1)
  if (header === undefined) throw new BundleError('MALFORMED', 'a bundle without a header')
  const { proof } = bundle
  if (proof !== null) checkProof(proof, header, root)
  const signers = bundle.finalization.signers.flatMap((index) => root.members[index] ?? [])
  if (predicate !== undefined && !predicate(signers)) {
    throw new BundleError('PREDICATE', 'it is final for the group; those who signed are not whom you asked for')
  }
  const holds = (place: LeafProof): boolean => proof !== null && isUnder(proof, place)
  return { header, headers, signers, leaf: proof?.leaf ?? null, holds, committee: root, successors }
}

function orMalformed<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof CodecError || cause instanceof BlockError) {
      throw new BundleError('MALFORMED', cause.message, { cause })
    }
    throw cause
  }
}

/** The committee that takes over after a closing. */
function succeed(trusted: TrustedCommittee, closing: Closing): TrustedCommittee {
  const header = readCertified(closing.header, closing.finalization, trusted, KIND.finalize)
  if (header.nextCommittee === null) throw new BundleError('CLOSING', 'this block closes no epoch')
  const members = membersOf(trusted, closing, header.nextCommittee)
  const { manifest } = trusted
  const { groupId, epoch } = trusted.committee
  // Leaders, which the seed orders, have no part in what a certificate proves.
  const seed = manifest.nonce
  const committee = committeeFrom({ groupId, epoch: epoch + 1, seed, members, policy: manifest.policy })
  return { ...trusted, committee, members }
}

function membersOf(trusted: TrustedCommittee, closing: Closing, hash: Uint8Array): readonly ManifestMember[] {
  if (closing.committee === null) {
    if (equal(hash, trusted.committee.hash)) return trusted.members
    throw new BundleError('CLOSING', 'the committee changes, and the new one is not given')
  }
  const bytes = closing.committee
  if (!equal(committeeHash(bytes), hash)) {
    throw new BundleError('CLOSING', 'this is not the committee that the closing block names')
  }
  const { groupId, members } = readCommittee(bytes)
  if (!equal(groupId, trusted.committee.groupId)) throw new BundleError('GROUP', 'a committee of another group')
  return members
}

/** A quorum has signed for its hash: it can only fail to be one where more than F lied. */
function readCommittee(bytes: Uint8Array): ReturnType<typeof decodeCommittee> {
  try {
    return decodeCommittee(bytes)
  } catch (cause) {
    throw new BundleError('CLOSING', 'the next committee cannot be read', { cause })
  }
}

/** From the certified block down, parent by parent, to the last: the wanted one. */
function followHeaders(
  { headers, finalization }: Bundle,
  trusted: TrustedCommittee,
  kind: VoteKind
): readonly Header[] {
  const [first = new Uint8Array(0), ...rest] = headers
  const found = [readCertified(first, finalization, trusted, kind)]
  for (const bytes of rest) {
    const header = orMalformed(() => readHeader(bytes))
    const child = found.at(-1)
    const follows =
      child?.parent === header.digest && child.parentView === header.view && child.height === header.height + 1
    if (!follows || header.epoch !== child.epoch) throw new BundleError('HEADERS', 'the headers are no chain')
    found.push(header)
  }
  return found
}

function readCertified(
  bytes: Uint8Array,
  certificate: Certificate,
  trusted: TrustedCommittee,
  wanted: VoteKind
): Header {
  const header = orMalformed(() => readHeader(bytes))
  const { committee } = trusted
  if (!equal(header.groupId, committee.groupId)) throw new BundleError('GROUP', 'a block of another group')
  if (header.epoch !== committee.epoch) {
    throw new BundleError('EPOCH', `a block of epoch ${header.epoch}, where ${committee.epoch} is the trusted one`)
  }
  const { kind, view, parentView, digest } = certificate
  const names = kind === wanted && view === header.view && digest === header.digest
  if (!names || parentView !== header.parentView) {
    throw new BundleError('FINALIZATION', 'the certificate is not of this block')
  }
  checkCertificate(trusted, certificate)
  return header
}

function checkCertificate(trusted: TrustedCommittee, certificate: Certificate): void {
  const { committee } = trusted
  if (!isWellFormed(committee, certificate)) {
    throw new BundleError('WEIGHT', 'those who signed are too few, not diverse enough, or no members')
  }
  const isSigned = (vote: ReturnType<typeof votesOf>[number]): boolean => {
    const key = committee.members[vote.signer]?.key
    return key !== undefined && isGenuine(trusted, key, signedBytes(committee, vote), vote.signature)
  }
  if (!votesOf(certificate).every(isSigned)) throw new BundleError('SIGNATURE', "a signature is not the member's")
}

function checkProof(proof: AttestationProof | CheckpointProof, header: Header, trusted: TrustedCommittee): void {
  if (proof.kind === ATTEST) checkAttestation(proof, header, trusted)
  else checkCheckpoint(proof, header, trusted)
  if (!isUnder(proof, proof)) throw new BundleError('LEAF', 'the leaf is not where it is said to be')
}

/** A program's statement holds the roots it stands for in the form that binds the number of leaves. */
function isUnder(proof: AttestationProof | CheckpointProof, { leaf, index, count, path }: LeafProof): boolean {
  const root = rootFromPath(leafHash(leaf), index, count, path)
  if (root === undefined) return false
  const bound = stateRootOf(count, root)
  return proof.kind === ATTEST ? holds(proof.statement, bound) : toHex(bound) === proof.certificate.stateRoot
}

function checkAttestation(proof: AttestationProof, header: Header, trusted: TrustedCommittee): void {
  const { domain } = trusted
  const { statement, certificate } = proof
  if (domain === null) throw new BundleError('ATTESTATION', "the domain of the program's statements is not known")
  const digest = statementDigest(statement)
  const { epoch, view } = certificate
  if (certificate.statement !== digest || epoch !== header.epoch || view !== header.view) {
    throw new BundleError('ATTESTATION', 'the attestation is not of this block')
  }
  const named = [header.groupId, Buffer.from(header.digest, 'hex')]
  if (!named.every((bytes) => holds(statement, bytes))) {
    throw new BundleError('ATTESTATION', 'the statement does not name the group and the block')
  }
  checkSigners(trusted, ATTEST, certificate, attestedBytes(domain, digest), 'ATTESTATION')
}

function checkCheckpoint(proof: CheckpointProof, header: Header, trusted: TrustedCommittee): void {
  const { certificate } = proof
  const { epoch, height, block } = certificate
  if (epoch !== header.epoch || height !== header.height || block !== header.digest) {
    throw new BundleError('CHECKPOINT', 'the checkpoint is not of this block')
  }
  checkSigners(trusted, proof.kind, certificate, checkpointBytes(trusted.committee, certificate), 'CHECKPOINT')
}

function checkSigners(
  trusted: TrustedCommittee,
  kind: number,
  { signers, signatures }: Signers,
  message: Uint8Array,
  reason: 'ATTESTATION' | 'CHECKPOINT'
): void {
  const { committee } = trusted
  const known = signers.every((signer) => signer < committee.members.length) && signers.length === signatures.length
  if (!known || !certifies(committee, kind, signers)) {
    throw new BundleError(reason, 'those who signed it are too few or no members')
  }
  const isSigned = (signer: number, i: number): boolean => {
    const key = committee.members[signer]?.key
    const signature = signatures[i]
    return key !== undefined && signature !== undefined && isGenuine(trusted, key, message, signature)
  }
  if (!signers.every(isSigned)) throw new BundleError(reason, "a signature is not the member's")
}

function isGenuine(
  { genuine }: TrustedCommittee,
  key: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array
): boolean {
  return genuine === undefined ? verify(key, message, signature) : genuine.check(key, message, signature)
}

function holds(bytes: Uint8Array, part: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(Buffer.from(part)) !== -1
}
