import type { PeerId } from '@brume/ports'
import type { Connection } from '@libp2p/interface'
import type { ChannelHub } from './channel.ts'

/** All stream buffers and queues together; halved on a small machine. */
export const BUFFERED_BYTES_MAX = 67_108_864

/** What waits for one peer, or from it. */
export interface Buffered {
  /** In either direction. */
  readonly bytes: number
  /** For the peer to read. */
  readonly outgoing: number
}

/** Sums buffers and queues by peer. */
export function bufferedByPeer(
  connections: readonly Connection[],
  channels: Iterable<ChannelHub>
): ReadonlyMap<PeerId, Buffered> {
  const sums = new Map<PeerId, { bytes: number; outgoing: number }>()
  const add = (peer: PeerId, bytes: number, outgoing: number): void => {
    const sum = sums.get(peer) ?? { bytes: 0, outgoing: 0 }
    sum.bytes += bytes
    sum.outgoing += outgoing
    sums.set(peer, sum)
  }
  for (const { remotePeer, streams } of connections) {
    const peer = remotePeer.toString()
    for (const { readBufferLength, writeBufferLength } of streams) {
      add(peer, readBufferLength + writeBufferLength, writeBufferLength)
    }
  }
  for (const hub of channels) {
    for (const [peer, lane] of hub.lanes()) add(peer, lane.queuedBytes, lane.queuedBytes)
  }
  return sums
}

/**
 * Whose streams to end so that what is buffered fits: the largest first, for one slow reader should
 * pay for itself and not everyone else. Pure.
 */
export function overBudget(byPeer: ReadonlyMap<PeerId, Buffered>, bytesMax: number): readonly PeerId[] {
  let total = totalBytes(byPeer)
  const ended: PeerId[] = []
  for (const [peer, { bytes }] of [...byPeer].sort(([, a], [, b]) => b.bytes - a.bytes)) {
    if (total <= bytesMax) break
    ended.push(peer)
    total -= bytes
  }
  return ended
}

export function totalBytes(byPeer: ReadonlyMap<PeerId, Buffered>): number {
  let total = 0
  for (const { bytes } of byPeer.values()) total += bytes
  return total
}
