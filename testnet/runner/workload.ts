import type { Placed } from './messages.ts'

/** What a run's workload needs of the run. */
export interface WorkloadPeers {
  /** Peers that can take a submission now. */
  running(): readonly string[]
  submit(peer: string, id: number, client: string): void
}

/** Hears what clients asked for and what became of it. Ids rise from 1. */
export interface WorkloadObserver {
  invoked(id: number, client: string, peer: string): void
  /** `error`: refused, or never to be answered. */
  completed(id: number, placed: Placed | undefined, error: string | undefined): void
}

/**
 * Above this many unanswered submissions no more are made: a halted group would otherwise fill its
 * members' pools (4,096 commands, 64 a client) and be busy with the backlog after it goes on.
 */
export const OUTSTANDING_MAX = 48
/** Of these at one peer: one that is cut off must not hold up what the others could answer. */
const OUTSTANDING_PER_PEER_MAX = 12

const NOBODY: WorkloadObserver = { invoked: () => undefined, completed: () => undefined }
/** A client asks again at another peer; this one ended without an answer. */
const PEER_ENDED = 'the peer ended before it answered'

/** Submits increments at a constant rate, one client and one peer after the other, and counts what becomes of them. */
export class Workload {
  readonly #peers: WorkloadPeers
  readonly #observer: WorkloadObserver
  /** Peer by submission that is not answered yet. */
  readonly #outstanding = new Map<number, string>()
  #ratePerS = 0
  #clients = 1
  #timer: NodeJS.Timeout | undefined
  #submitted = 0
  #refused = 0
  #turn = 0

  constructor(peers: WorkloadPeers, observer: WorkloadObserver = NOBODY) {
    this.#peers = peers
    this.#observer = observer
  }

  get ratePerS(): number {
    return this.#ratePerS
  }

  get submitted(): number {
    return this.#submitted
  }

  get refused(): number {
    return this.#refused
  }

  get outstanding(): number {
    return this.#outstanding.size
  }

  /** From now on at this rate, in place of any before; 0 ends it. */
  run(ratePerS: number, clients = 1): void {
    clearInterval(this.#timer)
    this.#ratePerS = ratePerS
    this.#clients = clients
    this.#timer = ratePerS > 0 ? setInterval(() => this.#submitOne(), 1_000 / ratePerS) : undefined
  }

  settle(id: number, placed: Placed | undefined, error: string | undefined): void {
    if (!this.#outstanding.delete(id)) return
    if (error !== undefined) this.#refused++
    this.#observer.completed(id, placed, error)
  }

  /** Answers of this peer will never come: its process ended. */
  forget(peer: string): void {
    for (const [id, owner] of this.#outstanding) {
      if (owner !== peer) continue
      this.#outstanding.delete(id)
      this.#observer.completed(id, undefined, PEER_ENDED)
    }
  }

  #waitingAt(peer: string): number {
    return this.#outstanding.values().reduce((sum, owner) => (owner === peer ? sum + 1 : sum), 0)
  }

  #submitOne(): void {
    const running = this.#peers.running().filter((peer) => this.#waitingAt(peer) < OUTSTANDING_PER_PEER_MAX)
    const turn = this.#turn++
    const peer = running[turn % Math.max(1, running.length)]
    if (peer === undefined || this.#outstanding.size >= OUTSTANDING_MAX) return
    const id = ++this.#submitted
    // Clients go round more slowly than peers, so that each of them uses every peer.
    const client = `c${1 + (Math.floor(turn / Math.max(1, running.length)) % this.#clients)}`
    this.#outstanding.set(id, peer)
    this.#observer.invoked(id, client, peer)
    this.#peers.submit(peer, id, client)
  }
}
