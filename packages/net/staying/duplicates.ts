import type { PeerId } from '@brume/ports'
import type { Connection } from '@libp2p/interface'
import { asError } from '../errors.ts'
import type { NetMetrics } from '../metrics.ts'
import type { ChannelHub } from '../streams/channel.ts'

type Opened = Pick<Connection, 'direction' | 'timeline'>

/** Two connections this long: one is to go. Shorter is a race of two dials that settles itself. */
const DUPLICATE_MS = 5_000
/** The one to go is closed with whatever it still carries after this. */
const PATIENCE_MS = 10_000
/** Streams that open again by themselves, so that a connection with nothing else counts as idle. */
const CLOSABLE = /^\/(meshsub|brume\/probe|ipfs\/(id|ping))\b/

/**
 * Of several connections to one peer, the one to keep: that which the lower peer id dialled; if one
 * side dialled both, the newer. Both ends come to the same answer (libp2p.md 5).
 */
export function keptConnection<C extends Opened>(connections: readonly C[], selfIsLower: boolean): C | undefined {
  const byLower = selfIsLower ? 'outbound' : 'inbound'
  let kept: C | undefined
  for (const connection of connections) {
    if (kept === undefined || better(connection, kept, byLower)) kept = connection
  }
  return kept
}

function better(a: Opened, b: Opened, byLower: string): boolean {
  if (a.direction !== b.direction) return a.direction === byLower
  return a.timeline.open >= b.timeline.open
}

/** Watches for peers with two connections; both ends leave the second, the lower id closes it. */
export class Duplicates {
  readonly #sinceMs = new Map<PeerId, number>()
  readonly #dialsFirst: (peer: PeerId) => boolean
  readonly #channels: ReadonlySet<ChannelHub>
  readonly #metrics: NetMetrics

  constructor(dialsFirst: (peer: PeerId) => boolean, channels: ReadonlySet<ChannelHub>, metrics: NetMetrics) {
    this.#dialsFirst = dialsFirst
    this.#channels = channels
    this.#metrics = metrics
  }

  /** Once a second, with all open connections. */
  check(connections: readonly Connection[], nowMs: number): void {
    const byPeer = Map.groupBy(connections, ({ remotePeer }) => remotePeer.toString())
    for (const peer of this.#sinceMs.keys()) {
      if ((byPeer.get(peer)?.length ?? 0) < 2) this.#sinceMs.delete(peer)
    }
    for (const [peer, several] of byPeer) {
      if (several.length < 2) continue
      const sinceMs = this.#sinceMs.get(peer) ?? nowMs
      this.#sinceMs.set(peer, sinceMs)
      if (nowMs - sinceMs >= DUPLICATE_MS) this.#settle(peer, several, nowMs - sinceMs >= PATIENCE_MS)
    }
  }

  #settle(peer: PeerId, several: readonly Connection[], anyway: boolean): void {
    const selfIsLower = this.#dialsFirst(peer)
    const kept = keptConnection(several, selfIsLower)
    for (const connection of several) {
      if (connection === kept) continue
      for (const hub of this.#channels) hub.leave(connection)
      const idle = connection.streams.every(({ protocol }) => CLOSABLE.test(protocol))
      if (!selfIsLower || (!idle && !anyway)) continue
      this.#metrics.duplicatesClosed.inc()
      void connection.close().catch((cause) => connection.abort(asError(cause)))
    }
  }
}
