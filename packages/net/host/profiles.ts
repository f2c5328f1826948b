/** Where a peer runs: many on one host, on a LAN, or on the open Internet. */
export type ProfileName = 'local' | 'lan' | 'wan'

/** The settings that differ between profiles. Times in milliseconds. */
export interface Profile {
  readonly name: ProfileName
  readonly listen: readonly string[]
  readonly maxConnections: number
  /** Inbound connections per remote IP and second. */
  readonly inboundConnectionThreshold: number
  readonly maxIncomingPendingConnections: number
  readonly addressDialTimeoutMs: number
  /** Longest redial delay for members, committee and bootstrap peers, and for all others. */
  readonly redialCapMs: number
  readonly redialCapOthersMs: number
  /** Subnets whose peers may share an IP without losing gossip score. */
  readonly colocationExempt: readonly string[]
}

/** Port of `lan` and `wan` where it is free. */
export const DEFAULT_PORT = 4720

const LOOPBACK = ['127.0.0.0/8', '::1/128']
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7', 'fe80::/10']
const EVERY_INTERFACE = [`/ip4/0.0.0.0/tcp/${DEFAULT_PORT}`, `/ip6/::/tcp/${DEFAULT_PORT}`]

const PROFILES: Record<ProfileName, Profile> = {
  local: {
    name: 'local',
    listen: ['/ip4/127.0.0.1/tcp/0'],
    maxConnections: 512,
    // At libp2p's defaults (5 a second, 10 pending) half of ten simultaneous dials to one peer are reset.
    inboundConnectionThreshold: 1_000,
    maxIncomingPendingConnections: 512,
    // On loopback a dead address answers at once; what takes long is a busy host, and giving up makes it busier.
    addressDialTimeoutMs: 8_000,
    redialCapMs: 5_000,
    redialCapOthersMs: 5_000,
    colocationExempt: LOOPBACK
  },
  lan: {
    name: 'lan',
    listen: EVERY_INTERFACE,
    maxConnections: 256,
    inboundConnectionThreshold: 32,
    maxIncomingPendingConnections: 64,
    addressDialTimeoutMs: 2_500,
    redialCapMs: 30_000,
    redialCapOthersMs: 30_000,
    colocationExempt: [...LOOPBACK, ...PRIVATE]
  },
  wan: {
    name: 'wan',
    listen: EVERY_INTERFACE,
    maxConnections: 256,
    inboundConnectionThreshold: 16,
    maxIncomingPendingConnections: 64,
    addressDialTimeoutMs: 5_000,
    redialCapMs: 30_000,
    redialCapOthersMs: 300_000,
    colocationExempt: LOOPBACK
  }
}

/** What a machine of 1 GB can carry, such as a Raspberry Pi. */
const SMALL_CONNECTIONS = 64

export function profileOf(name: ProfileName, small: boolean): Profile {
  const profile = PROFILES[name]
  return small ? { ...profile, maxConnections: SMALL_CONNECTIONS } : profile
}
