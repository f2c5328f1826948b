import { randomBytes } from 'node:crypto'
import { createPeer, type Peer, type PeerPorts } from '@brume/actors/peer'
import type { Group } from '@brume/actors/quorum'
import { identityFromSeed } from '@brume/crypto'
import { Counter, CounterClient } from '../programs/counter.ts'
import type { GroupSample, MemberSample, PeerConfig } from '../runner/messages.ts'
import { BlockClock } from './block-clock.ts'
import { frameFile, tapNet } from './frame-tap.ts'
import type { HostedPeer } from './hosted-peer.ts'

/** Of an increment; less than the 300 s a command may live, for members' clocks may differ. */
const EXPIRY_MS = 120_000

/**
 * Puts a production peer together on its data folder and starts it. What makes it a testnet's are the
 * ports and programs it is given; the peer itself knows of no test.
 */
export async function compose(config: PeerConfig): Promise<HostedPeer> {
  const counter = new Counter()
  const peer = await createPeer({
    dataDir: config.dataDir,
    settings: settingsOf(config),
    ports: portsOf(config),
    programs: { counter: () => counter }
  })
  const [group] = peer.groups()
  const clock = new BlockClock(() => performance.now())
  group?.onEvent((event) => clock.hear(event))
  await peer.start()
  return {
    peerId: peer.id,
    addresses: () => peer.status().addresses.map((address) => withPeerId(address, peer.id)),
    connections: () => peer.status().members.connected,
    members: () => membersOf(peer),
    onMembers: (listener) => void peer.onNotice(listener),
    group: () => (group === undefined ? undefined : sampleOf(group, counter)),
    takeLatencies: () => clock.take(),
    submit: incrementing(group),
    stop: () => peer.stop()
  }
}

function settingsOf(config: PeerConfig): object {
  return {
    profile: config.profile,
    network: config.networkName,
    mdns: config.mdns,
    bootstrap: config.bootstrap,
    logLevel: 'info'
  }
}

function portsOf(config: PeerConfig): Partial<PeerPorts> {
  if (config.votesPath === undefined) return {}
  const seen = frameFile(config.votesPath)
  return { wrapNet: (net) => tapNet(net, seen) }
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
    value: counter.state.value
  }
}

/**
 * Submits as a client of its own. A client's commands take effect one after the other, so one that is
 * refused or expires would hold up all later ones: then a new client goes on.
 */
function incrementing(group: Group | undefined): () => Promise<void> {
  if (group === undefined) return async () => undefined
  const newClient = (): CounterClient => new CounterClient(identityFromSeed(randomBytes(32)), group.groupId, 1)
  let client = newClient()
  return async () => {
    const used = client
    try {
      await group.submit(used.add(1, Date.now() + EXPIRY_MS)).final
    } catch (error) {
      if (client === used) client = newClient()
      throw error
    }
  }
}

function withPeerId(address: string, peerId: string): string {
  return address.includes('/p2p/') ? address : `${address}/p2p/${peerId}`
}
