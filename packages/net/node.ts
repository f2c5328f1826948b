import { keyFromPeerId, net8 as net8Of, peerIdBytes } from '@brume/crypto'
import type { PeerId, Wanted } from '@brume/ports'
import { AddressBook } from './addresses/book.ts'
import { type AddressContext, bareAddress, refuseAnnounce } from './addresses/policy.ts'
import { Discovery, readBootstrap } from './discovery/discovery.ts'
import { type InterfaceAddress, interfaceAddresses } from './discovery/interfaces.ts'
import { asError, NetError } from './errors.ts'
import { Topics, topicName } from './gossip/topics.ts'
import { Bans } from './host/bans.ts'
import { createHost } from './host/libp2p.ts'
import { PeerStoreKeeper } from './host/peer-store.ts'
import { freeListen } from './host/port.ts'
import { profileOf } from './host/profiles.ts'
import { Links } from './links.ts'
import { netMetrics } from './metrics.ts'
import type { NetNode, NetOptions } from './options.ts'
import { Dialer } from './staying/dialer.ts'
import { Watch } from './staying/watch.ts'
import { ChannelHub, type StreamsContext } from './streams/channel.ts'
import { Requests } from './streams/request.ts'
import { Turn } from './turn.ts'

/**
 * Builds a node, not started: register channels, requests and topics, then `start`. Rejects with
 * `NetError` when the options cannot work, such as a bootstrap address without a peer id.
 */
export async function createNet(options: NetOptions): Promise<NetNode> {
  return facade(await assemble(options))
}

/** The parts of a node, each handed what it needs of the others. */
type Parts = Awaited<ReturnType<typeof assemble>>

async function assemble(options: NetOptions) {
  const { clock, log, random, registry } = options
  const small = options.small ?? false
  const profile = profileOf(options.profile, small)
  const net8 = net8Of(options.networkId)
  const metrics = netMetrics(registry)
  const bootstrap = readBootstrap(options.discovery.bootstrap)
  const surroundings = surroundingsOf(options)
  const book = new AddressBook(surroundings.context, metrics)
  const topicLabels = new Map<string, string>()
  const bans = new Bans(clock)
  const isBanned = (peer: PeerId): boolean => bans.has(peer)
  const host = await createHost({
    seed: options.seed,
    profile,
    listen: options.listen ?? (await freeListen(profile.listen)),
    announce: options.announce ?? [],
    topics: (options.topics ?? []).map((name) => topicName(name, net8)),
    topicLabels,
    registry,
    mayAnnounce: (address) => refuseAnnounce(address, surroundings.context()) === undefined,
    mayDial: (address) => book.mayDial(address),
    isBanned
  })
  const self = host.peerId.toString()
  const dialsFirst = lowerThan(self)
  const rules = { dialsFirst, capMs: profile.redialCapMs, capOthersMs: profile.redialCapOthersMs }
  const links = new Links(host, clock, log, dialsFirst)
  const peers = new PeerStoreKeeper(host)
  const addresses = async (peer: PeerId): Promise<readonly string[]> =>
    book.addresses(peer, await peers.addresses(peer))
  const dialer = new Dialer({ host, links, rules, addresses, isBanned, clock, random, log, metrics })
  const streams: StreamsContext = { host, links, turn: new Turn(), clock, log, metrics, isBanned, small }
  const channels = new Set<ChannelHub>()
  const requests = new Requests(streams)
  const topics = new Topics({ host, net8, labels: topicLabels, clock, log, metrics })
  const discovery = new Discovery({ options, self, net8, host, links, dialer, book, bootstrap, metrics })
  const interfacesChanged = (now: readonly InterfaceAddress[]): void => {
    surroundings.interfaces = now
    dialer.disturbed()
    void discovery.follow(now)
  }
  const watch = new Watch({ ...streams, random, dialer, channels, topics, peers, dialsFirst, interfacesChanged })
  return {
    host,
    self,
    bans,
    links,
    peers,
    book,
    dialer,
    bootstrap,
    streams,
    channels,
    requests,
    topics,
    discovery,
    watch,
    surroundings
  }
}

function facade(parts: Parts): NetNode {
  const { host, self, links, streams, channels, requests, topics } = parts
  return {
    self,
    addresses: () => host.getMultiaddrs().map(String),
    links: () => links.list(),
    onLink: (listener) => links.on(listener),
    want: (wanted) => want(parts, wanted),
    drop: (peer, options) => drop(parts, peer, options?.banMs ?? 0),
    channel: (protocol, handler) => {
      const hub = new ChannelHub(streams, protocol, handler, (closed) => channels.delete(closed))
      channels.add(hub)
      return hub
    },
    serve: (protocol, answer) => requests.serve(protocol, answer),
    request: (peer, protocol, body, { timeoutMs }) => requests.request(peer, protocol, body, timeoutMs),
    topic: (name, judge) => topics.open(name, judge),
    start: () => start(parts),
    stop: () => stop(parts)
  }
}

/** What the address policy has to know of this machine; the interfaces change while the node runs. */
function surroundingsOf({ profile, listen = [], announce = [], discovery }: NetOptions) {
  const configured = new Set([...listen, ...announce, ...discovery.bootstrap].map(bareAddress))
  const surroundings = {
    interfaces: interfaceAddresses(),
    context: (): AddressContext => ({ profile, interfaces: surroundings.interfaces, configured })
  }
  return surroundings
}

/** Peer ids in the order of their multihash bytes: the lower of two dials first. */
function lowerThan(self: PeerId): (peer: PeerId) => boolean {
  const bytes = Buffer.from(peerIdBytes(self))
  return (peer) => bytes.compare(peerIdBytes(peer)) < 0
}

function want({ book, dialer, peers, bootstrap, streams }: Parts, asked: readonly Wanted[]): void {
  // Bad input never throws into an actor: what is no peer id of ours is not dialled.
  const wanted = asked.filter(({ peer }) => keyFromPeerId(peer) !== undefined)
  const named = new Set(wanted.map(({ peer }) => peer))
  const all = [...wanted, ...bootstrap.filter(({ peer }) => !named.has(peer))]
  const written = new Map(bootstrap.map(({ peer, addresses }) => [peer, addresses]))
  // An actor may want a peer of which it knows no address; those that somebody wrote down stay.
  for (const one of wanted) book.want({ ...one, addresses: [...one.addresses, ...(written.get(one.peer) ?? [])] })
  dialer.want(all)
  void peers.rank(all).catch((cause: unknown) => streams.log.warn({ cause }, 'peers could not be ranked'))
}

function drop({ bans, dialer, links }: Parts, peer: PeerId, banMs: number): void {
  if (banMs > 0) {
    bans.add(peer, banMs)
    dialer.hold(peer, banMs)
  }
  dialer.forget(peer)
  for (const connection of links.connections(peer)) {
    void connection.close().catch((cause) => connection.abort(asError(cause)))
  }
}

async function start({ host, topics, watch, discovery, surroundings, dialer }: Parts): Promise<void> {
  try {
    await host.start()
  } catch (cause) {
    throw cannotListen(cause)
  }
  topics.started()
  watch.start()
  await discovery.start(surroundings.interfaces)
  dialer.start()
}

function cannotListen(cause: unknown): NetError {
  // As in `listen EADDRINUSE: address already in use 127.0.0.1:4720`.
  const [taken, where = 'the listen port'] = /EADDRINUSE(?:: [a-z ]+(\S+:\d+))?/.exec(String(cause)) ?? []
  return taken !== undefined
    ? new NetError('BRUME_NET_PORT_IN_USE', `${where} is taken: free it or choose another`, cause)
    : new NetError('BRUME_NET_NO_ADDRESS', 'the node cannot listen where it was told to: see the cause', cause)
}

async function stop({ host, watch, discovery, dialer, channels }: Parts): Promise<void> {
  dialer.stop()
  discovery.stop()
  watch.stop()
  for (const hub of [...channels]) hub.close()
  await host.stop()
}
