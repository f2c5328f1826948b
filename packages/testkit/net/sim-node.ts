import type {
  Cancel,
  Channel,
  ChannelHandler,
  ChannelProtocol,
  Link,
  LinkEvent,
  Net,
  PeerId,
  RequestProtocol,
  Topic,
  Verdict,
  Wanted
} from '@brume/ports'
import type { Connection } from './connection.ts'
import { SimNetError } from './errors.ts'
import { type Answer, Requests } from './requests.ts'
import { SimChannel } from './sim-channel.ts'
import type { SimNet } from './sim-net.ts'
import { Topics } from './topics.ts'

/** One peer of a simulated network. Once stopped it reaches nobody and hears nothing. */
export class SimNode implements Net {
  readonly self: PeerId
  readonly world: SimNet
  readonly topics: Topics
  readonly requests: Requests
  readonly channels = new Map<string, SimChannel>()
  readonly #address: string
  readonly #connections = new Map<PeerId, Connection>()
  readonly #listeners = new Set<(event: LinkEvent) => void>()
  readonly #bannedUntilMs = new Map<PeerId, number>()
  #wanted: ReadonlySet<PeerId> = new Set()
  #isRunning = true

  constructor(world: SimNet, self: PeerId, index: number) {
    this.world = world
    this.self = self
    this.#address = `/ip4/10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/tcp/4001`
    this.topics = new Topics(this)
    this.requests = new Requests(this)
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  addresses(): readonly string[] {
    return [this.#address]
  }

  links(): readonly Link[] {
    return [...this.#connections.values()].map((connection) => connection.link(this.self))
  }

  onLink(listener: (event: LinkEvent) => void): Cancel {
    // Wrapped, so that a function given twice is called twice and cancelled once.
    const entry = (event: LinkEvent): void => listener(event)
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  want(peers: readonly Wanted[]): void {
    if (!this.#isRunning) return
    this.#wanted = new Set(peers.map(({ peer }) => peer).filter((peer) => peer !== this.self))
    for (const peer of this.#wanted) if (this.world.node(peer) !== undefined) this.world.reconsider(this.self, peer)
  }

  drop(peer: PeerId, options: { readonly banMs?: number } = {}): void {
    if (!this.#isRunning) return
    const { banMs } = options
    if (banMs !== undefined) {
      this.#bannedUntilMs.set(peer, this.world.clock.now() + banMs)
      this.world.clock.after(banMs, () => this.world.reconsider(this.self, peer))
    }
    this.world.sever(this.self, peer)
  }

  channel(protocol: ChannelProtocol, handler: ChannelHandler): Channel {
    if (this.channels.has(protocol.id)) throw new Error(`a channel ${protocol.id} is open already: close it first`)
    const channel = new SimChannel(this, protocol, handler)
    if (!this.#isRunning) return channel
    this.channels.set(protocol.id, channel)
    for (const connection of this.#connections.values()) {
      connection.other(this.self).channels.get(protocol.id)?.retry(this.self)
    }
    return channel
  }

  serve(protocol: RequestProtocol, answer: Answer): Cancel {
    return this.requests.serve(protocol, answer)
  }

  request(
    peer: PeerId,
    protocol: RequestProtocol,
    body: Uint8Array,
    options: { readonly timeoutMs: number }
  ): Promise<Uint8Array> {
    return this.requests.request(peer, protocol, body, options.timeoutMs)
  }

  topic(name: string, judge: (from: PeerId, data: Uint8Array) => Verdict): Topic {
    return this.topics.open(name, judge)
  }

  connection(peer: PeerId): Connection | undefined {
    return this.#connections.get(peer)
  }

  connections(): Iterable<Connection> {
    return this.#connections.values()
  }

  wants(peer: PeerId): boolean {
    return this.#wanted.has(peer)
  }

  isBanned(peer: PeerId): boolean {
    return this.world.clock.now() < (this.#bannedUntilMs.get(peer) ?? 0)
  }

  linkUp(connection: Connection): void {
    const { self: peer } = connection.other(this.self)
    this.#connections.set(peer, connection)
    this.#tell({ type: 'link.up', peer })
    for (const channel of this.channels.values()) channel.retry(peer)
  }

  linkDown(connection: Connection, peer: PeerId): void {
    if (this.#connections.get(peer) !== connection) return
    this.#connections.delete(peer)
    for (const channel of this.channels.values()) channel.lost(peer)
    this.requests.lost(peer)
    this.#tell({ type: 'link.down', peer })
  }

  /** The process is gone: nothing of it runs any more. */
  end(): void {
    this.#isRunning = false
    this.#listeners.clear()
    for (const channel of this.channels.values()) channel.end()
    this.channels.clear()
    this.topics.end()
    this.requests.end()
  }

  assertRunning(): void {
    if (!this.#isRunning) throw new SimNetError('BRUME_NET_UNREACHABLE', `${this.self} was stopped`)
  }

  #tell(event: LinkEvent): void {
    for (const listener of [...this.#listeners]) listener(event)
  }
}
