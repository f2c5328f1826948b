import type { Group, GroupEvent, Program } from '@brume/actors/quorum'
import { peerIdFromKey } from '@brume/crypto'
import type { NetNode } from '@brume/net'
import { type Peer, type PeerOptions, type ProgramContext, preparePeer } from '@brume/peer'
import { nodeDisk } from '@brume/store'
import { dialThrough } from '../links/dial-through.ts'
import { Counter } from '../programs/counter.ts'
import type { GroupSample, MemberSample, PeerConfig } from '../runner/messages.ts'
import { BlockClock } from './block-clock.ts'
import type { Misbehaviour } from './byzantine/misbehave.ts'
import { misbehaviourOf } from './byzantine/of-peer.ts'
import { Clients } from './clients.ts'
import { recordFinals } from './finals-file.ts'
import { frameFile, tapNet } from './frame-tap.ts'
import type { HostedPeer } from './hosted-peer.ts'
import { slowDisk } from './slow-disk.ts'

/**
 * Puts a production peer together on its data folder and starts it. What makes it a testnet's are the
 * ports and programs it is given; the peer itself knows of no test.
 */
export async function compose(config: PeerConfig): Promise<HostedPeer> {
  if (config.proxyPort !== undefined) dialThrough(config.proxyPort, config.name)
  let counter: Counter | undefined
  const makeCounter = ({ store }: ProgramContext): Program => {
    counter = new Counter(store)
    return config.finalsPath === undefined ? counter : recordFinals(counter, config.finalsPath)
  }
  const misbehaviour = misbehaviourOf(config)
  const disk = slowDisk(nodeDisk())
  let node: NetNode | undefined
  const wrapNet = (net: NetNode): NetNode => {
    node = net
    return netOf(config, misbehaviour, net)
  }
  const peer = await preparePeer({
    ...settingsOf(config),
    dataDir: config.dataDir,
    ports: { disk: disk.disk, wrapNet },
    programs: { counter: makeCounter }
  })
  const [group] = peer.groups()
  const clock = new BlockClock(() => performance.now())
  group?.onEvent((event) => clock.hear(event))
  const clients = group === undefined ? undefined : new Clients(group, config.networkName)
  await peer.start()
  return {
    peerId: peer.id,
    addresses: () => peer.status().addresses.map((address) => withPeerId(address, peer.id)),
    connections: () => peer.status().members.connected,
    inboundPorts: () => inboundPorts(node),
    members: () => membersOf(peer),
    onMembers: (listener) => void peer.onNotice(listener),
    group: () => (group === undefined || counter === undefined ? undefined : sampleOf(group, counter)),
    takeLatencies: () => clock.take(),
    submit: (client) => clients?.increment(client) ?? Promise.reject(new Error('no group here')),
    misdeeds: () => misbehaviour?.count ?? 0,
    behave: (behaviour) => misbehaviour?.behave(behaviour),
    slowDisk: disk.slow,
    onAccused: (listener) => void group?.onEvent((event) => accusation(event, listener)),
    stop: () => peer.stop()
  }
}

function settingsOf(config: PeerConfig): PeerOptions {
  return {
    profile: config.profile,
    network: config.networkName,
    mdns: config.mdns,
    bootstrap: config.bootstrap,
    logLevel: 'info',
    operator: config.operator,
    site: config.site,
    // Read again by the peer, which refuses what is no role.
    roles: config.roles as PeerOptions['roles']
  }
}

/** The network as this peer is to see it: what arrives is written down, what leaves may be a lie. */
function netOf(config: PeerConfig, misbehaviour: Misbehaviour | undefined, net: NetNode): NetNode {
  const tapped = config.votesPath === undefined ? net : tapNet(net, frameFile(config.votesPath))
  return misbehaviour?.wrap(tapped) ?? tapped
}

function inboundPorts(net: NetNode | undefined): readonly number[] {
  const inbound = net?.links().filter(({ direction }) => direction === 'inbound') ?? []
  return inbound.flatMap(({ address }) => Number(/\/tcp\/(\d+)/.exec(address)?.[1] ?? 0) || [])
}

/** By its key: when the proof is on disk, a committee without the liar may have begun. */
function accusation(event: GroupEvent, listener: (member: string, view: number) => void): void {
  if (event.type === 'warrant') listener(peerIdFromKey(event.key), event.view)
}

function membersOf(peer: Peer): readonly MemberSample[] {
  const others = peer.members().filter((member) => !member.self)
  return others.map(({ peer: id, state, connected }) => ({ peer: id, state, connected }))
}

function sampleOf(group: Group, counter: Counter): GroupSample {
  const { group: id, state, reason, epoch, view, height, digest, members, pool, dormant } = group.status()
  return {
    group: id,
    state,
    reason: reason ?? undefined,
    epoch,
    view,
    height,
    digest,
    pool,
    dormant,
    weights: members.map(({ peer, weight }) => ({ peer, weight })),
    executed: counter.state.height,
    value: counter.state.value
  }
}

function withPeerId(address: string, peerId: string): string {
  return address.includes('/p2p/') ? address : `${address}/p2p/${peerId}`
}
