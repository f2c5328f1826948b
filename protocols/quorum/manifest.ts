import {
  asArray,
  asBoolean,
  asBytes,
  asText,
  asUint,
  type CborValue,
  compare,
  decode,
  encode,
  toHex
} from '@brume/codec'
import {
  type Committee,
  createCommittee,
  DEFAULT_POLICY,
  MEMBERS_MAX,
  type MemberClass,
  type Policy,
  WEIGHT_MAX
} from '@brume/consensus'
import {
  DOMAIN,
  hash,
  isAdmissibleKey,
  keyFromPeerId,
  peerIdBytes,
  peerIdFromBytes,
  peerIdFromKey
} from '@brume/crypto'
import { type Admission, admissionField, readAdmission } from './admission.ts'
import { ManifestError } from './errors.ts'
import { policyField, readPolicy } from './policy.ts'

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
  /** 0 none, 1 hardware-held key, 2 trusted execution. */
  readonly class: MemberClass
  /** Its journal is not synced: it may forget what it said, and then abstains. */
  readonly volatile: boolean
}

/** How fast the group goes. Milliseconds, counts, bytes. */
export interface Pace {
  readonly deltaMs: number
  readonly minViewMs: number
  readonly maxCommands: number
  readonly maxBlockBytes: number
  /** Heights divisible by it are checkpoints. */
  readonly checkpointBlocks: number
  /** An epoch closes after so many blocks, or so much group time. */
  readonly epochBlocks: number
  readonly epochMs: number
}

export type GroupKind = 'log' | 'slot'

/** What a group is, fixed for its life; its id is the hash of it. */
export interface Manifest {
  readonly name: string
  /** 32 random bytes; also the seed of epoch 0. */
  readonly nonce: Uint8Array
  /** A log of blocks, or slots: single results, each computed by every member. */
  readonly kind: GroupKind
  /** Whose commands are taken. */
  readonly admit: Admission
  readonly pace: Pace
  readonly policy: Policy
  /** Of epochs 0 and 1. */
  readonly members: readonly ManifestMember[]
  /** What is replicated, opaque here. */
  readonly program: Uint8Array
}

type MemberInput = Omit<ManifestMember, 'class' | 'volatile'> & Partial<ManifestMember>

/** What a manifest is made of: a log open to all, a member of class 0 and not volatile, the policy the default one, unless told. */
type ManifestInput = Omit<Manifest, 'kind' | 'admit' | 'policy' | 'members'> & {
  readonly kind?: GroupKind
  readonly admit?: Admission
  readonly policy?: Policy
  readonly members: readonly MemberInput[]
}

export const DEFAULT_PACE: Pace = {
  deltaMs: 250,
  minViewMs: 10,
  maxCommands: 1_024,
  maxBlockBytes: 40_960,
  checkpointBlocks: 256,
  epochBlocks: 10_000,
  epochMs: 3_600_000
}

const KINDS: readonly GroupKind[] = ['log', 'slot']
const OPEN: Admission = { type: 'open' }

/** Canonical bytes. Members are put in order. */
export function encodeManifest(manifest: ManifestInput): Uint8Array {
  const { name, nonce, kind = 'log', admit = OPEN, pace, policy = DEFAULT_POLICY, program } = manifest
  const { deltaMs, minViewMs, maxCommands, maxBlockBytes, checkpointBlocks, epochBlocks, epochMs } = pace
  const members = [...manifest.members].sort((a, b) => compare(a.key, b.key))
  return encode([
    VERSION,
    name,
    nonce,
    KINDS.indexOf(kind),
    admissionField(admit),
    [deltaMs, minViewMs, maxCommands, maxBlockBytes, checkpointBlocks, epochBlocks, epochMs],
    policyField(policy),
    members.map(memberField),
    program
  ])
}

export function memberField(member: MemberInput): CborValue {
  const { peer, key, vrfKey, weight, operator, site, hardware, volatile = false } = member
  return [peerIdBytes(peer), key, vrfKey, weight, [operator, site, hardware], member.class ?? 0, volatile]
}

/** @throws ManifestError `BRUME_QUORUM_MANIFEST` for anything that is not a manifest this version can run. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  try {
    const fields = asArray(decode(bytes, { bytesMax: MANIFEST_BYTES_MAX, itemsMax: 4_096 }), 'manifest', 9)
    const [version, name, nonce, kind, admit, pace, policy, members, program] = fields
    if (version !== VERSION) throw new ManifestError(`manifest version ${String(version)} is not known`)
    return {
      name: asText(name, 'name', NAME_BYTES_MAX),
      nonce: asBytes(nonce, 'nonce', 32),
      kind: KINDS[asUint(kind, 'kind', KINDS.length - 1)] ?? 'log',
      admit: readAdmission(admit),
      pace: readPace(pace),
      policy: readPolicy(policy),
      members: readMembers(members),
      program: asBytes(program, 'program', { min: 0, max: PROGRAM_BYTES_MAX })
    }
  } catch (cause) {
    if (cause instanceof ManifestError) throw cause
    throw new ManifestError(cause instanceof Error ? cause.message : 'malformed', { cause })
  }
}

function readPace(value: CborValue | undefined): Pace {
  const [deltaMs, minViewMs, maxCommands, maxBlockBytes, ...rest] = asArray(value, 'pace', 7)
  const [checkpointBlocks, epochBlocks, epochMs] = rest
  return {
    deltaMs: asUint(deltaMs, 'deltaMs', 60_000, 1),
    minViewMs: asUint(minViewMs, 'minViewMs', 60_000),
    maxCommands: asUint(maxCommands, 'maxCommands', 1_024, 1),
    maxBlockBytes: asUint(maxBlockBytes, 'maxBlockBytes', 131_072, 1_024),
    checkpointBlocks: asUint(checkpointBlocks, 'checkpointBlocks', undefined, 1),
    epochBlocks: asUint(epochBlocks, 'epochBlocks', undefined, 1),
    epochMs: asUint(epochMs, 'epochMs', undefined, 1)
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

export function readMember(value: CborValue): ManifestMember {
  const fields = asArray(value, 'member', 7)
  const [peerBytes, key, vrfKey, weight, attributes, ownClass, isVolatile] = fields
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
  const vrf = asBytes(vrfKey, 'vrfKey', 32)
  if (!isAdmissibleKey(vrf)) throw new ManifestError('a member has a VRF key whose outputs are not its own')
  return {
    peer,
    key: signing,
    vrfKey: vrf,
    weight: asUint(weight, 'weight', WEIGHT_MAX, 1),
    operator: asText(operator, 'operator', ATTRIBUTE_BYTES_MAX),
    site: asText(site, 'site', ATTRIBUTE_BYTES_MAX),
    hardware: asText(hardware, 'hardware', ATTRIBUTE_BYTES_MAX),
    class: readClass(ownClass),
    volatile: asBoolean(isVolatile, 'volatile')
  }
}

export function readClass(value: CborValue | undefined): MemberClass {
  const found = asUint(value, 'class', 2)
  return found === 0 || found === 1 ? found : 2
}

/** 32 bytes that name the group: nobody can change what it is without changing its name. */
export function groupIdOf(manifest: Uint8Array): Uint8Array {
  return hash(DOMAIN.group, manifest)
}

/** The committee of epoch 0. */
export function committeeOf(manifestBytes: Uint8Array): Committee {
  const { nonce: seed, members, policy } = decodeManifest(manifestBytes)
  return committeeFrom({ groupId: groupIdOf(manifestBytes), epoch: 0, seed, members, policy })
}

/** A committee with the hash that binds every signature to it. @throws CommitteeError */
export function committeeFrom(of: {
  readonly groupId: Uint8Array
  readonly epoch: number
  readonly seed: Uint8Array
  readonly members: readonly ManifestMember[]
  readonly policy: Policy
}): Committee {
  const { groupId, epoch, seed, policy } = of
  const members = of.members.map(({ key, weight, operator, site, hardware }) => ({
    key,
    weight,
    domains: { operator, site, hardware }
  }))
  const hashed = committeeHash(encodeCommittee(groupId, of.members))
  return createCommittee({ groupId, epoch, hash: hashed, seed, members, diversity: policy.diversity })
}

/** `[1, groupId, [member]]`, canonical CBOR: what the hash of a committee is made of. */
export function encodeCommittee(groupId: Uint8Array, members: readonly ManifestMember[]): Uint8Array {
  return encode([VERSION, groupId, members.map(memberField)])
}

/** 32 bytes that a closing header names its successors by. */
export function committeeHash(committee: Uint8Array): Uint8Array {
  return hash(DOMAIN.quorumCommittee, committee)
}

/** @throws ManifestError, CodecError */
export function decodeCommittee(bytes: Uint8Array): {
  readonly groupId: Uint8Array
  readonly members: readonly ManifestMember[]
} {
  const fields = asArray(decode(bytes, { bytesMax: MANIFEST_BYTES_MAX, itemsMax: 4_096 }), 'committee', 3)
  const [version, groupId, members] = fields
  asUint(version, 'committee version', VERSION, VERSION)
  return { groupId: asBytes(groupId, 'groupId', 32), members: readMembers(members) }
}
