import type { Cancel, Clock, Link, LinkEvent, Log, PeerId } from '@brume/ports'
import type { Connection } from '@libp2p/interface'
import type { Host } from './host/libp2p.ts'
import { keptConnection } from './staying/duplicates.ts'

/** What this room knows of one connected peer. */
export interface LinkState {
  readonly peer: PeerId
  readonly sinceMs: number
  rttMs: number | undefined
  rttMinMs: number | undefined
  lagMs: number
  slow: boolean
}

/** The connected peers, and who wants to hear of them. One entry per peer, however many connections. */
export class Links {
  readonly #host: Host
  readonly #clock: Clock
  readonly #log: Log
  readonly #links = new Map<PeerId, LinkState>()
  readonly #listeners = new Set<(event: LinkEvent) => void>()
  readonly #dialsFirst: (peer: PeerId) => boolean

  constructor(host: Host, clock: Clock, log: Log, dialsFirst: (peer: PeerId) => boolean) {
    this.#host = host
    this.#clock = clock
    this.#log = log
    this.#dialsFirst = dialsFirst
    host.addEventListener('peer:connect', ({ detail }) => this.#up(detail.toString()))
    host.addEventListener('peer:disconnect', ({ detail }) => this.#down(detail.toString()))
  }

  get(peer: PeerId): LinkState | undefined {
    return this.#links.get(peer)
  }

  has(peer: PeerId): boolean {
    return this.#links.has(peer)
  }

  peers(): Iterable<PeerId> {
    return this.#links.keys()
  }

  /** Open connections to the peer; usually one. */
  connections(peer: PeerId): readonly Connection[] {
    return this.all().filter(({ remotePeer }) => remotePeer.toString() === peer)
  }

  /** All open connections. */
  all(): readonly Connection[] {
    return this.#host.getConnections().filter(({ status }) => status === 'open')
  }

  /** The connection on which new streams open. */
  connection(peer: PeerId): Connection | undefined {
    return this.#kept(peer, this.connections(peer))
  }

  list(): Link[] {
    const open = Map.groupBy(this.all(), ({ remotePeer }) => remotePeer.toString())
    return [...this.#links.values()].flatMap((link) => {
      const connection = this.#kept(link.peer, open.get(link.peer) ?? [])
      if (connection === undefined) return []
      return [{ ...link, direction: connection.direction, address: connection.remoteAddr.toString() }]
    })
  }

  on(listener: (event: LinkEvent) => void): Cancel {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  setSlow(peer: PeerId, slow: boolean): void {
    const link = this.#links.get(peer)
    if (link === undefined || link.slow === slow) return
    link.slow = slow
    this.#tell({ type: 'link.slow', peer, slow })
  }

  /** As a rule there is one, and then nobody need know whose id is the lower. */
  #kept(peer: PeerId, connections: readonly Connection[]): Connection | undefined {
    return connections.length < 2 ? connections[0] : keptConnection(connections, this.#dialsFirst(peer))
  }

  #up(peer: PeerId): void {
    if (this.#links.has(peer)) return
    const sinceMs = this.#clock.now()
    this.#links.set(peer, { peer, sinceMs, rttMs: undefined, rttMinMs: undefined, lagMs: 0, slow: false })
    this.#tell({ type: 'link.up', peer })
  }

  #down(peer: PeerId): void {
    if (this.#links.delete(peer)) this.#tell({ type: 'link.down', peer })
  }

  /** One listener's mistake must not keep the event from the others. */
  #tell(event: LinkEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event)
      } catch (cause) {
        this.#log.error({ event: event.type, cause }, 'a link listener threw')
      }
    }
  }
}
