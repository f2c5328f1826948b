import { asArray, asBytes, asUint, type CborValue, decode, encode, fromHex, Reader, toHex } from '@brume/codec'
import { DOMAIN, sha256 } from '@brume/crypto'
import { encodeSegment, formatAddress, groupAuthority, parseAddress } from '@brume/runtime/address'
import {
  type Answer,
  decodeAnswer,
  decodeSend,
  Items,
  type Json,
  type ReplicaSnapshot,
  readLeaf,
  type Sent,
  sendPath,
  snapshotOf
} from '@brume/runtime/replica/leaves'
import {
  ATTEST,
  BUNDLE_BYTES_MAX,
  BundleError,
  decodeBundle,
  decodeManifest,
  groupIdOf,
  LEAF_BYTES_MAX,
  type LeafProof,
  type TrustedCommittee,
  trustManifest,
  type Verified,
  verifyFinal
} from '../quorum/index.ts'

/** Of what members of an actor's group attest of its blocks. */
export const ATTEST_DOMAIN: string = DOMAIN.actorAttest

/** Leaves of one proof: a state of 256 KiB in its parts of 3,500 bytes, and some hundred small ones. */
const LEAVES_MAX = 512
const MANIFEST_BYTES_MAX = 65_536
const PROOF_BYTES_MAX = 2_097_152
const PATH_MAX = 32
const VERSION = 1

/** Bytes before the time in a statement: `groupId 32 ‖ height u64 ‖ timeMs u64 ‖ ...`. */
const HEIGHT_AT = 32
const STATEMENT_BYTES = 144
/** At its end. */
const ROOT_BYTES = 32

/** What a proof has shown, to somebody who knows nothing but the address. */
export interface Proved {
  readonly value: Json
  readonly height: number
  /** Group time of the block, ms since 1970; null where a checkpoint, which names no time, stands for an attestation. */
  readonly timeMs: number | null
  /** Peer ids: at least q weight that made the block final; more than F that attested what came of it, or q a checkpoint. */
  readonly finalizers: readonly string[]
  readonly attesters: readonly string[]
  /** Of a state: all of it. */
  readonly snapshot: ReplicaSnapshot | null
  /** Of a command: what became of it. */
  readonly answer: Answer | null
}

/** The address of the machine that a group with this manifest runs. @throws ManifestError */
export function addressOf(manifest: Uint8Array): string {
  return formatAddress(groupAuthority(groupIdOf(manifest)), encodeSegment(decodeManifest(manifest).name))
}

/**
 * `[1, manifest, bundle, [[leaf, index, count, path]]]`, canonical CBOR: the bundle proves its own leaf, and the
 * others lie under a root of the same statement. For whoever knows the address alone, and at any time.
 *
 * @param leaves - beyond the one that the bundle proves itself, with their places
 */
export function encodeProof(manifest: Uint8Array, bundle: Uint8Array, leaves: readonly LeafProof[]): Uint8Array {
  const places = leaves.map(({ leaf, index, count, path }): CborValue => [leaf, index, count, [...path]])
  return encode([VERSION, manifest, bundle, places])
}

/**
 * What the actor at this address was, or answered, at some height. Needs no peer, no disk and no clock, and believes
 * nobody: the address binds the manifest, that names the members, and those signed the rest. One signature check for
 * each signature inside.
 *
 * @param bytes - as `encodeProof` wrote them
 * @throws CodecError, RuntimeError `BRUME_RUNTIME_ADDRESS`, ManifestError, BundleError for what proves nothing of it
 */
export function verifyProof(bytes: Uint8Array, address: string): Proved {
  const { bundle, verified, leaves } = verifyLeaves(bytes, address)
  const { height, timeMs, finalizers, attesters } = placeOf(bundle, verified)
  return { height, timeMs, finalizers, attesters, ...readLeaves(leaves) }
}

/** A whole state, for whoever goes on from it. */
export interface ProvedState {
  readonly height: number
  /** 32 bytes: what the leaves lie under. */
  readonly stateRoot: Uint8Array
  readonly snapshot: ReplicaSnapshot
  readonly leaves: readonly (readonly [path: string, bytes: Uint8Array])[]
}

/** As `verifyProof`, of a state with what a snapshot leaves out. @throws as it does */
export function verifyState(bytes: Uint8Array, address: string): ProvedState {
  const { bundle, verified, leaves } = verifyLeaves(bytes, address)
  const { height, stateRoot } = placeOf(bundle, verified)
  const found = leaves.map(({ path, bytes: value }) => [path, value] as const)
  return { height, stateRoot, snapshot: snapshotOf(new Items(found)), leaves: found }
}

function verifyLeaves(bytes: Uint8Array, address: string) {
  const { manifest, bundle, leaves } = readProof(bytes)
  const trusted = trustOf(manifest, address)
  const verified = verifyFinal(bundle, trusted)
  if (!leaves.every((leaf) => verified.holds(leaf))) {
    throw new BundleError('LEAF', 'a leaf is not of the state that was attested')
  }
  const all = [verified.leaf ?? new Uint8Array(), ...leaves.map(({ leaf }) => leaf)]
  return { bundle, verified, leaves: all.map(readLeaf) }
}

function readProof(bytes: Uint8Array): {
  readonly manifest: Uint8Array
  readonly bundle: Uint8Array
  readonly leaves: readonly LeafProof[]
} {
  const limits = { bytesMax: PROOF_BYTES_MAX, itemsMax: LEAVES_MAX * (PATH_MAX + 8) }
  const [version, manifest, bundle, leaves] = asArray(decode(bytes, limits), 'proof', 4)
  asUint(version, 'version', VERSION, VERSION)
  return {
    manifest: asBytes(manifest, 'manifest', { min: 1, max: MANIFEST_BYTES_MAX }),
    bundle: asBytes(bundle, 'bundle', { min: 1, max: BUNDLE_BYTES_MAX }),
    leaves: asArray(leaves, 'leaves', { min: 0, max: LEAVES_MAX }).map(readPlace)
  }
}

function readPlace(value: CborValue): LeafProof {
  const [leaf, index, count, path] = asArray(value, 'leaf', 4)
  return {
    leaf: asBytes(leaf, 'leaf', { min: 1, max: LEAF_BYTES_MAX }),
    index: asUint(index, 'index'),
    count: asUint(count, 'count', undefined, 1),
    path: asArray(path, 'path', { min: 0, max: PATH_MAX }).map((node) => asBytes(node, 'node', 32))
  }
}

function trustOf(manifest: Uint8Array, address: string): TrustedCommittee {
  const { group, path } = parseAddress(address)
  if (group === null)
    throw new BundleError('GROUP', 'this is the address of a placed actor, which no group vouches for')
  const trusted = trustManifest(manifest, { groupId: group, domain: ATTEST_DOMAIN })
  if (encodeSegment(trusted.manifest.name) !== path) {
    throw new BundleError('GROUP', 'the group of this address runs an actor of another name')
  }
  return trusted
}

/** What the members signed of the block, an attestation or a checkpoint. */
function placeOf(bytes: Uint8Array, { header, signers, committee }: Verified) {
  const { proof } = decodeBundle(bytes)
  if (proof === null) throw new BundleError('ATTESTATION', 'no state of an actor is attested')
  const said =
    proof.kind === ATTEST
      ? readStatement(proof.statement)
      : { height: header.height, timeMs: null, stateRoot: fromHex(proof.certificate.stateRoot) }
  if (said.height !== header.height) throw new BundleError('ATTESTATION', 'the statement is of another height')
  return {
    ...said,
    finalizers: signers.map(({ peer }) => peer),
    attesters: proof.certificate.signers.flatMap((signer) => committee.members[signer]?.peer ?? [])
  }
}

function readStatement(statement: Uint8Array) {
  if (statement.length !== STATEMENT_BYTES) throw new BundleError('ATTESTATION', "this is no actor's statement")
  const reader = new Reader(statement.subarray(HEIGHT_AT))
  return { height: reader.u64(), timeMs: reader.u64(), stateRoot: statement.slice(-ROOT_BYTES) }
}

function readLeaves(all: readonly ReturnType<typeof readLeaf>[]): Pick<Proved, 'value' | 'snapshot' | 'answer'> {
  const [first] = all
  if (first?.path.startsWith('answer/') === true) {
    const answer = decodeAnswer(first.bytes)
    if (first.path !== `answer/${answer.id}`) throw new BundleError('LEAF', 'an answer to another command')
    return { value: answer.value, snapshot: null, answer }
  }
  const snapshot = snapshotOf(new Items(all.map(({ path, bytes }) => [path, bytes])))
  return { value: snapshot.value, snapshot, answer: null }
}

/** Blocks whose proofs are remembered: the sends of one come one by one. */
const VERIFIED_MAX = 256

/**
 * What a group has sent, of proofs that travel with its messages. Each block is verified once: of the next send the
 * place alone is checked.
 */
export class SendProofs {
  readonly #verified = new Map<string, Verified>()

  /**
   * What was sent, the address of who did, without incarnation, and that group's time, ms since 1970.
   *
   * @throws CodecError, ManifestError, BundleError for what proves no send
   */
  verify(bytes: Uint8Array): Sent & { readonly from: string; readonly timeMs: number } {
    const { manifest, bundle, leaves } = readProof(bytes)
    const from = addressOf(manifest)
    const verified = this.#once(manifest, bundle, from)
    const [place] = leaves
    if (place !== undefined && !verified.holds(place)) throw new BundleError('LEAF', 'this leaf is not of that block')
    const { path, bytes: value } = readLeaf(place?.leaf ?? verified.leaf ?? new Uint8Array())
    const sent = decodeSend(value)
    if (path !== sendPath(sent.seq)) throw new BundleError('LEAF', 'this is no send')
    const { timeMs } = placeOf(bundle, verified)
    // A state may lie under a checkpoint; what was sent only under a statement.
    if (timeMs === null) throw new BundleError('ATTESTATION', 'no statement of an actor is attested')
    return { ...sent, from, timeMs }
  }

  #once(manifest: Uint8Array, bundle: Uint8Array, from: string): Verified {
    const key = toHex(sha256(manifest, bundle))
    const known = this.#verified.get(key)
    if (known !== undefined) return known
    const verified = verifyFinal(bundle, trustOf(manifest, from))
    this.#verified.set(key, verified)
    for (const oldest of this.#verified.keys()) if (this.#verified.size > VERIFIED_MAX) this.#verified.delete(oldest)
    return verified
  }
}
