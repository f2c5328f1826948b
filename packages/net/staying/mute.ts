import type { Log } from '@brume/ports'
import type { Connection } from '@libp2p/interface'
import type { Host } from '../host/libp2p.ts'
import type { Links } from '../links.ts'
import type { NetMetrics } from '../metrics.ts'

const MESHSUB = '/meshsub/'
const MESHSUB_LATEST = '/meshsub/1.2.0'
const IDENTIFY = '/ipfs/id/1.0.0'
/** A new connection identifies itself and opens its gossip stream in this time. */
const SETTLED_MS = 2_000
const FAILURES_MAX = 2

/**
 * gossipsub keeps one outgoing stream per peer, opens it when identify completes, and does not open
 * it again: when the connection that carried it closes while another stays, or a buffer overflows,
 * the peer is mute with everything looking healthy. Identifying again makes it open (libp2p.md 7).
 */
export class MuteWatch {
  readonly #host: Host
  readonly #links: Links
  readonly #metrics: NetMetrics
  readonly #log: Log
  readonly #failures = new Map<string, number>()

  constructor(host: Host, links: Links, metrics: NetMetrics, log: Log) {
    this.#host = host
    this.#links = links
    this.#metrics = metrics
    this.#log = log
    host.addEventListener('connection:close', ({ detail }) => {
      const rest = links.connection(detail.remotePeer.toString())
      if (rest !== undefined) void this.#heal(rest)
      else this.#failures.delete(detail.remotePeer.toString())
    })
  }

  /** Every 5 s: looks at each connected peer. */
  async check(): Promise<void> {
    for (const peer of this.#links.peers()) {
      const connection = this.#links.connection(peer)
      if (connection !== undefined && (await this.#isMute(peer, connection))) await this.#heal(connection)
    }
  }

  async #isMute(peer: string, connection: Connection): Promise<boolean> {
    if (connection.limits !== undefined || Date.now() - connection.timeline.open < SETTLED_MS) return false
    if (this.#links.connections(peer).some(speaks)) return false
    try {
      return (await this.#host.peerStore.get(connection.remotePeer)).protocols.includes(MESHSUB_LATEST)
    } catch {
      return false
    }
  }

  async #heal(connection: Connection): Promise<void> {
    const running = connection.streams.some(
      ({ protocol, direction }) => protocol === IDENTIFY && direction === 'outbound'
    )
    if (running || connection.status !== 'open') return
    const peer = connection.remotePeer.toString()
    try {
      await this.#host.services.identify.identify(connection)
      this.#failures.delete(peer)
      this.#metrics.muteHealed.inc()
    } catch (cause) {
      this.#failed(peer, connection, cause)
    }
  }

  #failed(peer: string, connection: Connection, cause: unknown): void {
    const failures = (this.#failures.get(peer) ?? 0) + 1
    this.#failures.set(peer, failures)
    this.#log.debug({ peer, failures, cause: String(cause) }, 'identify did not complete')
    if (failures < FAILURES_MAX) return
    this.#failures.delete(peer)
    connection.abort(new Error('gossip stays mute'))
  }
}

function speaks({ streams }: Connection): boolean {
  return streams.some(
    ({ protocol, direction, writeStatus }) =>
      direction === 'outbound' && writeStatus === 'writable' && protocol.startsWith(MESHSUB)
  )
}
