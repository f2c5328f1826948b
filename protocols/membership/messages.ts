import type { CborValue } from '@brume/codec'
import type { PeerId } from '@brume/ports'

export type Architecture = 'x64' | 'arm64' | 'other'
export type DeviceClass = 'smartphone' | 'tablet' | 'laptop' | 'desktop' | 'raspberry-pi' | 'iot' | 'server'
export type Tier = 'device' | 'edge' | 'fog' | 'cloud'
export type PowerMode = 'critical' | 'power-save' | 'balanced' | 'performance'

/** Wire numbers are the positions in these lists. */
export const DEVICE_CLASSES = ['smartphone', 'tablet', 'laptop', 'desktop', 'raspberry-pi', 'iot', 'server'] as const
export const TIERS = ['device', 'edge', 'fog', 'cloud'] as const
export const POWER_MODES = ['critical', 'power-save', 'balanced', 'performance'] as const

/** Who runs the peer and where; an empty text is an absent one. Claims, never proofs. */
export interface Place {
  readonly operator: string
  readonly site: string
  readonly region: string
}

/** An operator key vouches for a peer until the end of epoch `notAfter`. */
export interface OperatorCertificate {
  readonly key: Uint8Array
  readonly notAfter: number
  readonly signature: Uint8Array
}

export interface Gpu {
  /** 0 unknown, 1 Intel, 2 AMD, 3 NVIDIA, 4 ARM or Broadcom, 5 Apple; others are kept as they come. */
  readonly kind: number
  readonly memoryMiB: number
}

/** What the machine is: fixed for as long as it runs. */
export interface HostFields {
  readonly architecture: Architecture
  readonly class: DeviceClass
  readonly tier: Tier
  readonly cores: number
  readonly memoryMiB: number
  readonly storageMiB: number
  readonly gpu: Gpu | null
  /** Calibrated fuel, 10^6 units a second; 0 before calibration. */
  readonly fuelRate: number
  readonly attestation: number
}

/** What changes while it runs. */
export interface StateFields {
  /** Percent, or `null` on mains without a battery. */
  readonly battery: number | null
  readonly charging: boolean
  /** 0 normal, 1 warm (45 C), 2 hot (55 C), 3 critical (65 C). */
  readonly thermal: 0 | 1 | 2 | 3
  readonly mode: PowerMode
  /** Percent of all cores. */
  readonly load: number
}

export interface WorkFields {
  /** Execution profiles of tasks that this peer runs. */
  readonly profiles: readonly number[]
  readonly capabilities: readonly string[]
}

/** The signed content of a member's record, in wire order. */
export interface RecordBody {
  readonly networkId: Uint8Array
  readonly peer: PeerId
  readonly vrfKey: Uint8Array
  /** Epoch in which the identity was born. Never changes for a peer id, and is believed by nobody. */
  readonly notBefore: number
  readonly seq: number
  /** Epoch of signing. */
  readonly epoch: number
  readonly salt: Uint8Array | null
  readonly flags: number
  readonly degree: 4 | 6 | 8 | 12
  /** Multiaddrs in text form. */
  readonly addresses: readonly string[]
  readonly place: Place
  readonly certificate: OperatorCertificate | null
  readonly host: HostFields
  readonly state: StateFields
  readonly work: WorkFields
  readonly onion: Uint8Array | null
  readonly extensions: { readonly [name: string]: CborValue }
}

/** A record as it travels, beside what it says. `bytes` is `[bodyBytes, signature]`. */
export interface SignedRecord {
  readonly bytes: Uint8Array
  readonly bodyBytes: Uint8Array
  readonly signature: Uint8Array
  readonly body: RecordBody
}

/** Digest root, count and clock with one's own record: the first frame of each stream. */
export interface Hello {
  readonly type: 'hello'
  readonly record: Uint8Array
  readonly fogTimeMs: number
  /** 2 synchronised, 1 plausible, 0 unknown. */
  readonly clockQuality: 0 | 1 | 2
  readonly members: number
  readonly root: Uint8Array
}

/** 256 x 8 B, bucket by bucket. */
export interface Digest {
  readonly type: 'digest'
  readonly buckets: Uint8Array
}

export interface Summary {
  readonly id16: Uint8Array
  readonly seq: number
}

/**
 * All that the sender holds in these buckets. The first one answers a Digest; an `answer` goes back
 * when that side is missing something, and is not answered again.
 */
export interface Summaries {
  readonly type: 'summaries'
  readonly buckets: readonly number[]
  readonly entries: readonly Summary[]
  readonly answer: boolean
}

export interface Want {
  readonly type: 'want'
  readonly ids: readonly Uint8Array[]
}

export interface Records {
  readonly type: 'records'
  readonly records: readonly Uint8Array[]
}

export type MembershipMessage = Hello | Digest | Summaries | Want | Records

/** What the gossip topic carries. `other`: a kind of a later version, neither relayed nor blamed. */
export type Announcement = { readonly type: 'record'; readonly record: Uint8Array } | { readonly type: 'other' }
