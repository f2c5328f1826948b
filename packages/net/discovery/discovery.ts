import type { PeerId, Wanted } from '@brume/ports'
import type { AddressBook } from '../addresses/book.ts'
import { bareAddress, parseAddress } from '../addresses/policy.ts'
import { Subnets } from '../addresses/subnets.ts'
import { NetError } from '../errors.ts'
import type { Host } from '../host/libp2p.ts'
import type { Links } from '../links.ts'
import type { NetMetrics } from '../metrics.ts'
import type { NetOptions } from '../options.ts'
import type { Dialer } from '../staying/dialer.ts'
import { type InterfaceAddress, isHostPrivate } from './interfaces.ts'
import { Mdns } from './mdns.ts'
import { type Candidate, peerOfAddress } from './packets.ts'
import { PeerTable } from './table.ts'

interface DiscoveryParts {
  readonly options: NetOptions
  readonly self: PeerId
  readonly net8: string
  readonly host: Host
  readonly links: Links
  readonly dialer: Dialer
  readonly book: AddressBook
  readonly bootstrap: readonly Wanted[]
  readonly metrics: NetMetrics
}

/** Every way to a first peer at once: the own table, the bootstrap list, mDNS (neighbors.md 3.4). */
export class Discovery {
  readonly #parts: DiscoveryParts
  readonly #table: PeerTable | undefined
  readonly #mdns: Mdns | undefined

  constructor(parts: DiscoveryParts) {
    this.#parts = parts
    const { options } = parts
    this.#table = options.store && new PeerTable(options.store, options.clock, options.log)
    this.#mdns = options.discovery.mdns ? this.#createMdns() : undefined
    parts.links.on(({ type, peer }) => {
      if (type === 'link.up') this.#reached(peer)
    })
    parts.host.addEventListener('peer:identify', ({ detail }) => {
      parts.book.discovered(detail.peerId.toString(), detail.listenAddrs.map(String))
      this.#remember(detail.peerId.toString())
    })
  }

  async start(interfaces: readonly InterfaceAddress[]): Promise<void> {
    const { dialer, book, bootstrap, self } = this.#parts
    for (const wanted of bootstrap) book.want(wanted)
    dialer.want(bootstrap)
    for (const { peer, address } of (await this.#table?.read()) ?? []) {
      if (peer === self || !book.mayDial(address)) continue
      book.reached(peer, address)
      dialer.discovered(peer)
    }
    await this.follow(interfaces)
  }

  async follow(interfaces: readonly InterfaceAddress[]): Promise<void> {
    const local = this.#parts.options.profile === 'local'
    await this.#mdns?.follow(
      interfaces.filter(({ loopback, name }) => (local ? loopback : loopback || !isHostPrivate(name)))
    )
  }

  stop(): void {
    this.#mdns?.stop()
  }

  #createMdns(): Mdns {
    const { options, self, net8, dialer, metrics } = this.#parts
    const { clock, random, log } = options
    return new Mdns({
      serviceTag: `_brume-${net8}._udp.local`,
      peer: self,
      addresses: (on) => this.#told(on),
      found: (candidate) => {
        metrics.mdnsDiscovered.inc()
        this.#candidate(candidate)
      },
      known: (peer) => dialer.knows(peer),
      noRoute: (cause) => {
        const problem = new NetError(
          'BRUME_NET_NO_MULTICAST_ROUTE',
          'no interface lets multicast out: peers on this network are not found by themselves; name one as bootstrap',
          cause
        )
        log.warn({ cause: problem, code: problem.code }, problem.message)
      },
      clock,
      random,
      log
    })
  }

  #candidate({ peer, addresses }: Candidate): void {
    const { book, dialer } = this.#parts
    if (book.discovered(peer, addresses)) dialer.discovered(peer)
  }

  /** On a network: the addresses in its subnet. On loopback: all, for who asks is on this host. */
  #told(on: InterfaceAddress): readonly string[] {
    const own = this.#parts.host.getMultiaddrs().map(String).map(bareAddress)
    if (on.loopback) return own
    const subnet = new Subnets([on.cidr])
    return own.filter((address) => subnet.has(parseAddress(address)?.host ?? ''))
  }

  #reached(peer: PeerId): void {
    const connection = this.#parts.links.connection(peer)
    if (connection?.direction !== 'outbound') return
    this.#parts.book.reached(peer, connection.remoteAddr.toString())
    this.#remember(peer)
  }

  #remember(peer: PeerId): void {
    const address = this.#parts.book.lastGood(peer) ?? this.#parts.book.addresses(peer, [])[0]
    if (address !== undefined) this.#table?.reached(peer, address)
  }
}

/** The bootstrap list as wanted peers. Throws `NetError` for an address that names no peer. */
export function readBootstrap(addresses: readonly string[]): readonly Wanted[] {
  const byPeer = new Map<PeerId, string[]>()
  for (const address of addresses) {
    const peer = peerOfAddress(address)
    if (peer === undefined) {
      throw new NetError('BRUME_NET_NO_ADDRESS', `bootstrap address ${address} must end in /p2p/<peer id>`)
    }
    byPeer.set(peer, [...(byPeer.get(peer) ?? []), bareAddress(address)])
  }
  return [...byPeer].map(([peer, list]) => ({ peer, addresses: list, priority: 'bootstrap' }))
}
