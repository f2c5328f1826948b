import { asArray, asBytes, asUint, type CborValue, decode, encode, Reader, toHex } from '@brume/codec'
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

/** What a proof has shown, to somebody who knows nothing but the address. */
export interface Proved {
  readonly value: Json
  readonly height: number
  /** Group time of the block, ms since 1970. */
  readonly timeMs: number
  /** Peer ids: at least q weight that made the block final, more than F that attested what came of it. */
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
  const { manifest, bundle, leaves } = readProof(bytes)
  const trusted = trustOf(manifest, address)
  const verified = verifyFinal(bundle, trusted)
  if (!leaves.every((leaf) => verified.holds(leaf))) {
    throw new BundleError('LEAF', 'a leaf is not of the state that was attested')
  }
  return { ...placeOf(bundle, verified), ...readLeaves(verified, leaves) }
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

function placeOf(bytes: Uint8Array, { header, signers, committee }: Verified) {
  const { proof } = decodeBundle(bytes)
  if (proof?.kind !== ATTEST || proof.statement.length !== STATEMENT_BYTES) {
    throw new BundleError('ATTESTATION', 'no statement of an actor is attested')
  }
  const reader = new Reader(proof.statement.subarray(HEIGHT_AT))
  const [height, timeMs] = [reader.u64(), reader.u64()]
  if (height !== header.height) throw new BundleError('ATTESTATION', 'the statement is of another height')
  return {
    height,
    timeMs,
    finalizers: signers.map(({ peer }) => peer),
    attesters: proof.certificate.signers.flatMap((signer) => committee.members[signer]?.peer ?? [])
  }
}

function readLeaves({ leaf }: Verified, others: readonly LeafProof[]): Pick<Proved, 'value' | 'snapshot' | 'answer'> {
  const all = [leaf ?? new Uint8Array(), ...others.map((other) => other.leaf)].map(readLeaf)
  const [first] = all
  if (first?.path.startsWith('answer/') === true) {
    const answer = decodeAnswer(first.bytes)
    if (first.path !== `answer/${answer.id}`) throw new BundleError('LEAF', 'an answer to another command')
    return { value: answer.value, snapshot: null, answer }
  }
  const items = new Items(all.map(({ path, bytes }) => [path, bytes]))
  const snapshot = snapshotOf(items)
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
   * What was sent, and the address of who did, without incarnation.
   *
   * @throws CodecError, ManifestError, BundleError for what proves no send
   */
  verify(bytes: Uint8Array): Sent & { readonly from: string } {
    const { manifest, bundle, leaves } = readProof(bytes)
    const from = addressOf(manifest)
    const verified = this.#once(manifest, bundle, from)
    const [place] = leaves
    if (place !== undefined && !verified.holds(place)) throw new BundleError('LEAF', 'this leaf is not of that block')
    const { path, bytes: value } = readLeaf(place?.leaf ?? verified.leaf ?? new Uint8Array())
    const sent = decodeSend(value)
    if (path !== sendPath(sent.seq)) throw new BundleError('LEAF', 'this is no send')
    return { ...sent, from }
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
