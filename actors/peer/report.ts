import type { Membership, MemberView } from '@brume/actors/membership'
import type { Group, GroupStatus } from '@brume/actors/quorum'
import { toHex } from '@brume/codec'
import { type Identity, net8 } from '@brume/crypto'
import type { Net, PeerId } from '@brume/ports'
import type { Config } from './config/index.ts'
import type { DataLayout } from './data/index.ts'
import type { Journals } from './home/journals.ts'
import type { Life, PeerState } from './life.ts'
import { version } from './version.ts'

/** What a running peer says of itself: the answer to `brume status`, plain JSON. */
export interface PeerStatus {
  readonly id: PeerId
  readonly version: string
  readonly state: PeerState
  /** Why it failed. */
  readonly failure: { readonly code: string; readonly message: string } | null
  /** `id`: 8 hex digits that name the network in topics. */
  readonly network: { readonly name: string; readonly id: string }
  readonly preset: string
  readonly profile: string
  /** Null for a peer in memory. */
  readonly dataDir: string | null
  readonly pid: number
  readonly uptimeMs: number
  readonly addresses: readonly string[]
  /** Without the peer itself; dead ones count as known. */
  readonly members: { readonly known: number; readonly connected: number }
  readonly groups: readonly GroupStatus[]
  /** What opening found: `clean`, `torn`, `damaged` or `lost`; and the slower one's syncs at the 95th percentile. */
  readonly journals: { readonly membership: string; readonly quorum: string; readonly syncP95Ms: number }
  readonly memory: { readonly rssBytes: number; readonly heapBytes: number }
}

/** Everything a status is put together from. */
export interface PeerSources {
  readonly config: Config
  readonly layout: DataLayout | null
  readonly life: Life
  readonly identity: Identity
  readonly networkId: Uint8Array
  readonly net: Net
  readonly membership: Pick<Membership, 'members'>
  readonly groups: readonly Group[]
  readonly journals: Journals
  readonly uptimeMs: number
}

export function reportPeer({ config, layout, life, identity, net, membership, ...sources }: PeerSources): PeerStatus {
  const failure = life.failure()
  const others = membership.members().filter(({ self }) => !self)
  const { rss, heapUsed } = process.memoryUsage()
  return {
    id: identity.peerId,
    version: version(),
    state: life.state(),
    failure: failure === undefined ? null : { code: failure.code, message: failure.message },
    network: { name: config.network, id: net8(sources.networkId) },
    preset: config.preset,
    profile: config.profile,
    dataDir: layout?.directory ?? null,
    pid: process.pid,
    uptimeMs: Math.round(sources.uptimeMs),
    addresses: net.addresses(),
    members: { known: others.length, connected: others.filter(({ connected }) => connected).length },
    groups: sources.groups.map((group) => group.status()),
    journals: reportJournals(sources.journals),
    memory: { rssBytes: rss, heapBytes: heapUsed }
  }
}

const reportJournals = ({ membership, quorum }: Journals): PeerStatus['journals'] => ({
  membership: membership.verdict,
  quorum: quorum.verdict,
  syncP95Ms: Math.max(membership.syncP95Ms(), quorum.syncP95Ms())
})

/** What a member's machine claims to be. */
export interface HostReport {
  readonly architecture: string
  readonly class: string
  readonly tier: string
  readonly cores: number
  readonly memoryMiB: number
  readonly storageMiB: number
  readonly gpu: { readonly kind: number; readonly memoryMiB: number } | null
}

/** One member as `brume peers` lists it, plain JSON. All from `addresses` on is the member's own claim. */
export interface PeerReport {
  readonly peer: PeerId
  readonly self: boolean
  readonly connected: boolean
  readonly state: 'up' | 'suspect' | 'dead'
  readonly rttMs: number | null
  /** Milliseconds since 1970. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  readonly addresses: readonly string[]
  readonly host: HostReport
  readonly power: {
    readonly battery: number | null
    readonly charging: boolean
    readonly thermal: number
    readonly mode: string
    readonly load: number
  }
  readonly place: { readonly operator: string; readonly site: string; readonly region: string }
  readonly capabilities: readonly string[]
  readonly roles: readonly string[]
  /** Of its verifiable random function, 64 hex digits: what a manifest names beside the peer id. */
  readonly vrfKey: string
}

/** `raspberry-pi, 4 cores, 3.8 GiB, arm64`. */
export function describeHost(host: HostReport): string {
  const cores = host.cores === 1 ? '1 core' : `${host.cores} cores`
  return [host.class, cores, gib(host.memoryMiB), host.architecture].join(', ')
}

/** Mebibytes as people read them. */
export const gib = (mebibytes: number): string =>
  mebibytes < 1_024 ? `${mebibytes} MiB` : `${(mebibytes / 1_024).toFixed(mebibytes < 10_240 ? 1 : 0)} GiB`

/** The JSON form of a member. */
export function reportMember(member: MemberView): PeerReport {
  const { peer, self, connected, state, rttMs, firstSeenMs, lastSeenMs, addresses, host, live, place } = member
  const { capabilities, roles } = member
  return {
    peer,
    self,
    connected,
    state,
    rttMs: rttMs ?? null,
    firstSeenMs,
    lastSeenMs,
    addresses,
    host: reportHost(host),
    power: {
      battery: live.battery,
      charging: live.charging,
      thermal: live.thermal,
      mode: live.mode,
      load: live.load
    },
    place: { operator: place.operator, site: place.site, region: place.region },
    capabilities,
    roles,
    vrfKey: toHex(member.vrfKey)
  }
}

export const reportHost = (host: MemberView['host']): HostReport => ({
  architecture: host.architecture,
  class: host.class,
  tier: host.tier,
  cores: host.cores,
  memoryMiB: host.memoryMiB,
  storageMiB: host.storageMiB,
  gpu: host.gpu
})
