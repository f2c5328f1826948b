/** Large commands fetched at once, in all and from one peer: 96 KiB each. */
const FETCHING_MAX = 32
const FETCHING_PER_PEER_MAX = 8

/** Offers that wait for their turn, from one peer. */
const WAITING_PER_PEER_MAX = 64

const TIMEOUT_MS = 10_000

type Fetch = (peer: string, ids: readonly string[], timeoutMs: number) => Promise<ReadonlyMap<string, Uint8Array>>

/** Large commands that other members say they have: each is fetched once, from who offered it first. */
export class Offers {
  readonly #fetch: Fetch
  readonly #arrived: (peer: string, command: Uint8Array) => void
  readonly #fetching = new Map<string, string>()
  readonly #waiting = new Map<string, Set<string>>()

  constructor(fetch: Fetch, arrived: (peer: string, command: Uint8Array) => void) {
    this.#fetch = fetch
    this.#arrived = arrived
  }

  /** False if there is no room: who has the command offers it again. */
  add(peer: string, id: string): boolean {
    if (this.#fetching.has(id)) return true
    if (this.#fetching.size < FETCHING_MAX && this.#share(peer) < FETCHING_PER_PEER_MAX) {
      this.#begin(peer, id)
      return true
    }
    const waiting = this.#waiting.get(peer) ?? new Set()
    if (waiting.size >= WAITING_PER_PEER_MAX) return false
    waiting.add(id)
    this.#waiting.set(peer, waiting)
    return true
  }

  stop(): void {
    this.#waiting.clear()
  }

  #share(peer: string): number {
    return this.#fetching.values().reduce((count, of) => count + Number(of === peer), 0)
  }

  #begin(peer: string, id: string): void {
    this.#fetching.set(id, peer)
    this.#fetch(peer, [id], TIMEOUT_MS)
      .then((found) => {
        const command = found.get(id)
        if (command !== undefined) this.#arrived(peer, command)
      })
      .catch(() => {
        // Whoever wants it ordered offers it again.
      })
      .finally(() => {
        this.#fetching.delete(id)
        this.#next()
      })
  }

  #next(): void {
    for (const [peer, ids] of this.#waiting) {
      for (const id of ids) {
        if (this.#fetching.size >= FETCHING_MAX || this.#share(peer) >= FETCHING_PER_PEER_MAX) break
        ids.delete(id)
        if (!this.#fetching.has(id)) this.#begin(peer, id)
      }
      if (ids.size === 0) this.#waiting.delete(peer)
    }
  }
}
