import type { PeerId, Wanted } from '@brume/ports'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Host } from './libp2p.ts'

/** Entries cost 1.8 kB of heap each, and libp2p's store knows no limit. */
const ENTRIES_MAX = 4_096
/**
 * What libp2p sums to decide whose connection goes first. A tag is worth 100 at most, and gossipsub gives
 * one of 100 to each mesh peer: what must outrank those has several.
 */
const TAG_VALUE_MAX = 100
const RANK: Record<Wanted['priority'], number> = { committee: 1_000, member: 200, bootstrap: 50, discovered: 0 }
const TAGS = Math.max(...Object.values(RANK)) / TAG_VALUE_MAX

/** libp2p's own memory of peers: told who matters, asked for addresses, kept from growing. */
export class PeerStoreKeeper {
  readonly #host: Host
  readonly #tags = new Map<PeerId, number>()

  constructor(host: Host) {
    this.#host = host
  }

  /** Sets the order in which connections are pruned. */
  async rank(wanted: readonly Wanted[]): Promise<void> {
    const values = new Map(wanted.map(({ peer, priority }) => [peer, RANK[priority]]))
    for (const peer of [...this.#tags.keys()]) {
      if (!values.has(peer)) await this.#tag(peer, undefined)
    }
    for (const [peer, value] of values) {
      if (this.#tags.get(peer) !== value) await this.#tag(peer, value)
    }
  }

  /** Addresses the peer told on an earlier connection. */
  async addresses(peer: PeerId): Promise<readonly string[]> {
    try {
      const { addresses } = await this.#host.peerStore.get(peerIdFromString(peer))
      return addresses.map(({ multiaddr }) => multiaddr.toString())
    } catch {
      return []
    }
  }

  /** Removes what is too many, neither connected nor wanted. Returns how many entries stay. */
  async tidy(isKept: (peer: PeerId) => boolean): Promise<number> {
    const peers = await this.#host.peerStore.all()
    let excess = peers.length - ENTRIES_MAX
    // The store lists in the order of insertion: the first are the oldest.
    for (const { id } of peers) {
      if (excess <= 0) break
      if (isKept(id.toString()) || id.equals(this.#host.peerId)) continue
      await this.#host.peerStore.delete(id)
      excess -= 1
    }
    return Math.min(peers.length, ENTRIES_MAX + Math.max(0, excess))
  }

  async #tag(peer: PeerId, value: number | undefined): Promise<void> {
    if (value === undefined) this.#tags.delete(peer)
    else this.#tags.set(peer, value)
    const tags = Object.fromEntries(Array.from({ length: TAGS }, (_, i) => [`brume-${i}`, tagOf(value ?? 0, i)]))
    await this.#host.peerStore.merge(peerIdFromString(peer), { tags })
  }
}

/** The share of one tag in a rank; none where the rank is spent on the tags before. */
function tagOf(rank: number, index: number): { readonly value: number } | undefined {
  const value = Math.min(TAG_VALUE_MAX, rank - index * TAG_VALUE_MAX)
  return value > 0 ? { value } : undefined
}
