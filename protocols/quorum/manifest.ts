import { asArray, asBytes, asText, asUint, type CborValue, compare, decode, encode, toHex } from '@brume/codec'
import { type Committee, createCommittee, MEMBERS_MAX, WEIGHT_MAX } from '@brume/consensus'
import {
  DOMAIN,
  hash,
  isAdmissibleKey,
  keyFromPeerId,
  peerIdBytes,
  peerIdFromBytes,
  peerIdFromKey
} from '@brume/crypto'
import { ManifestError } from './errors.ts'

const MANIFEST_BYTES_MAX = 65_536
const NAME_BYTES_MAX = 64
const ATTRIBUTE_BYTES_MAX = 64
const PROGRAM_BYTES_MAX = 4_096
const VERSION = 1

/** A member as the manifest names it; position in the list, ascending by key, is its signer index. */
export interface ManifestMember {
  readonly peer: string
  /** Ed25519, 32 bytes; the peer id is made of it. */
  readonly key: Uint8Array
  readonly vrfKey: Uint8Array
  /** 1 to 1,000. */
  readonly weight: number
  readonly operator: string
  readonly site: string
  readonly hardware: string
}

/** How fast the group goes. Milliseconds, counts, bytes. */
export interface Pace {
  readonly deltaMs: number
  readonly minViewMs: number
  readonly maxCommands: number
  readonly maxBlockBytes: number
}

/** What a group is, fixed for its life; its id is the hash of it. */
export interface Manifest {
  readonly name: string
  /** 32 random bytes; also the seed of epoch 0. */
  readonly nonce: Uint8Array
  readonly pace: Pace
  readonly members: readonly ManifestMember[]
  /** What is replicated, opaque here. */
  readonly program: Uint8Array
}

export const DEFAULT_PACE: Pace = { deltaMs: 250, minViewMs: 10, maxCommands: 1_024, maxBlockBytes: 40_960 }

/** Epochs do not turn over yet; the places of their limits are kept so that group ids stay. */
const EPOCH_PACE = [256, 10_000, 3_600_000] as const
/** Class 0, not volatile: what the two would change is not built yet. */
const NO_CLASS = [0, false] as const
const NO_POLICY: CborValue = [[100, 150, 200], [], [], []]
const KIND_LOG = 0
const ADMIT_MEMBERS: CborValue = [0]

/** Canonical bytes. Members are put in order. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { name, nonce, pace, program } = manifest
  const { deltaMs, minViewMs, maxCommands, maxBlockBytes } = pace
  const members = [...manifest.members].sort((a, b) => compare(a.key, b.key))
  const paceField = [deltaMs, minViewMs, maxCommands, maxBlockBytes, ...EPOCH_PACE]
  return encode([
    VERSION,
    name,
    nonce,
    KIND_LOG,
    ADMIT_MEMBERS,
    paceField,
    NO_POLICY,
    members.map(memberField),
    program
  ])
}

function memberField({ peer, key, vrfKey, weight, operator, site, hardware }: ManifestMember): CborValue {
  return [peerIdBytes(peer), key, vrfKey, weight, [operator, site, hardware], ...NO_CLASS]
}

/** @throws ManifestError `BRUME_QUORUM_MANIFEST` for anything that is not a manifest this version can run. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  try {
    const fields = asArray(decode(bytes, { bytesMax: MANIFEST_BYTES_MAX, itemsMax: 4_096 }), 'manifest', 9)
    const [version, name, nonce, kind, admit, pace, policy, members, program] = fields
    if (version !== VERSION) throw new ManifestError(`manifest version ${String(version)} is not known`)
    if (kind !== KIND_LOG) throw new ManifestError('only log groups can be run')
    requireSame(admit, ADMIT_MEMBERS, 'admission of others than members')
    requireSame(policy, NO_POLICY, 'a weight policy')
    return {
      name: asText(name, 'name', NAME_BYTES_MAX),
      nonce: asBytes(nonce, 'nonce', 32),
      pace: readPace(pace),
      members: readMembers(members),
      program: asBytes(program, 'program', { min: 0, max: PROGRAM_BYTES_MAX })
    }
  } catch (cause) {
    if (cause instanceof ManifestError) throw cause
    throw new ManifestError(cause instanceof Error ? cause.message : 'malformed', { cause })
  }
}

function requireSame(value: CborValue | undefined, expected: CborValue, what: string): void {
  if (compare(encode(value ?? null), encode(expected)) !== 0) throw new ManifestError(`${what} cannot be run yet`)
}

function readPace(value: CborValue | undefined): Pace {
  const [deltaMs, minViewMs, maxCommands, maxBlockBytes, ...epochs] = asArray(value, 'pace', 7)
  requireSame(epochs, EPOCH_PACE, 'a change of epoch')
  return {
    deltaMs: asUint(deltaMs, 'deltaMs', 60_000, 1),
    minViewMs: asUint(minViewMs, 'minViewMs', 60_000),
    maxCommands: asUint(maxCommands, 'maxCommands', 1_024, 1),
    maxBlockBytes: asUint(maxBlockBytes, 'maxBlockBytes', 131_072, 1_024)
  }
}

function readMembers(value: CborValue | undefined): readonly ManifestMember[] {
  const members = asArray(value, 'members', { min: 1, max: MEMBERS_MAX }).map(readMember)
  members.forEach(({ key }, i) => {
    const before = members[i - 1]
    if (before !== undefined && compare(before.key, key) >= 0) throw new ManifestError('members must ascend by key')
  })
  return members
}

function readMember(value: CborValue): ManifestMember {
  const fields = asArray(value, 'member', 7)
  const [peerBytes, key, vrfKey, weight, attributes, attested, isVolatile] = fields
  requireSame([attested ?? null, isVolatile ?? null], NO_CLASS, 'an attested or volatile member')
  const peer = peerIdFromBytes(asBytes(peerBytes, 'peer', 38))
  const signing = asBytes(key, 'key', 32)
  const [operator, site, hardware] = asArray(attributes, 'attributes', 3)
  if (
    peer === undefined ||
    toHex(keyFromPeerId(peer) ?? signing) !== toHex(signing) ||
    peerIdFromKey(signing) !== peer
  ) {
    throw new ManifestError('a member is named by another key than its own')
  }
  if (!isAdmissibleKey(signing)) throw new ManifestError('a member has a key that anyone can sign for')
  return {
    peer,
    key: signing,
    vrfKey: asBytes(vrfKey, 'vrfKey', 32),
    weight: asUint(weight, 'weight', WEIGHT_MAX, 1),
    operator: asText(operator, 'operator', ATTRIBUTE_BYTES_MAX),
    site: asText(site, 'site', ATTRIBUTE_BYTES_MAX),
    hardware: asText(hardware, 'hardware', ATTRIBUTE_BYTES_MAX)
  }
}

/** 32 bytes that name the group: nobody can change what it is without changing its name. */
export function groupIdOf(manifest: Uint8Array): Uint8Array {
  return hash(DOMAIN.group, manifest)
}

/** The committee of epoch 0. */
export function committeeOf(manifestBytes: Uint8Array): Committee {
  const manifest = decodeManifest(manifestBytes)
  const groupId = groupIdOf(manifestBytes)
  const hashed = hash(DOMAIN.quorumCommittee, encode([1, groupId, manifest.members.map(memberField)]))
  return createCommittee({ groupId, epoch: 0, hash: hashed, seed: manifest.nonce, members: manifest.members })
}
