import type { Registry } from '@brume/observe'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { type GossipSubComponents, gossipsub } from '@libp2p/gossipsub'
import { type Identify, identify, identifyPush } from '@libp2p/identify'
import type { ConnectionGater, Libp2p, PeerId } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { gossipOptions } from '../gossip/options.ts'
import type { Pubsub } from '../gossip/pubsub.ts'
import { muxer } from './muxer.ts'
import type { Profile } from './profiles.ts'

/** A libp2p node with the services this room uses. */
export type Host = Libp2p<{ readonly identify: Identify; readonly pubsub: Pubsub }>

export interface HostOptions {
  readonly seed: Uint8Array
  readonly profile: Profile
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly topics: readonly string[]
  /** Topic to metrics label, filled as topics open. */
  readonly topicLabels: Map<string, string>
  readonly registry: Registry
  readonly mayAnnounce: (address: string) => boolean
  readonly mayDial: (address: string) => boolean
  readonly isBanned: (peer: string) => boolean
}

function connectionManager({ profile }: HostOptions) {
  return {
    maxConnections: profile.maxConnections,
    inboundConnectionThreshold: profile.inboundConnectionThreshold,
    maxIncomingPendingConnections: profile.maxIncomingPendingConnections,
    maxParallelDials: 16,
    maxDialQueueLength: 256,
    maxPeerAddrsToDial: 6,
    dialTimeout: 10_000,
    addressDialTimeout: profile.addressDialTimeoutMs,
    connectionCloseTimeout: 1_000,
    inboundUpgradeTimeout: 5_000,
    outboundStreamProtocolNegotiationTimeout: 5_000,
    inboundStreamProtocolNegotiationTimeout: 5_000,
    // The dialer hands its addresses over in the order in which they are to be tried.
    addressSorter: (): 0 => 0,
    // The redial loop does it, without giving up.
    reconnectRetries: 0
  }
}

function gater({ isBanned, mayDial }: HostOptions): ConnectionGater {
  // A brume peer has an Ed25519 key; records, sortition and votes know no other kind.
  const isRefused = (peer: PeerId): boolean => peer.type !== 'Ed25519' || isBanned(peer.toString())
  return {
    denyDialPeer: isRefused,
    denyDialMultiaddr: (address: Multiaddr) => !mayDial(address.toString()),
    filterMultiaddrForPeer: (_peer, address) => mayDial(address.toString()),
    denyInboundEncryptedConnection: isRefused
  }
}

/** Builds the node, not started: handlers and topics come first. */
export async function createHost(options: HostOptions): Promise<Host> {
  const { seed, profile, listen, announce, mayAnnounce } = options
  return createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    start: false,
    addresses: {
      listen: [...listen],
      announce: [...announce],
      announceFilter: (addresses) => addresses.filter((address) => mayAnnounce(address.toString()))
    },
    transports: [
      tcp({
        backlog: 128,
        maxConnections: profile.maxConnections + 64,
        dialOpts: { noDelay: true },
        listenOpts: { noDelay: true }
      })
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [muxer()],
    connectionManager: connectionManager(options),
    // The probe replaces it: it opens a stream per ping, which is most of an idle node's CPU.
    connectionMonitor: { enabled: false },
    connectionGater: gater(options),
    services: {
      identify: identify({ timeout: 5_000, maxMessageSize: 8_192 }),
      identifyPush: identifyPush({ debounce: 1_000, concurrency: 8 }),
      ping: ping({ timeout: 5_000 }),
      pubsub: (components: GossipSubComponents) => gossipsub(gossipOptions(options))(components) as unknown as Pubsub
    }
  })
}
