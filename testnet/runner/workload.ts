/** What a run's workload needs of the run. */
export interface WorkloadPeers {
  /** Peers that can take a submission now. */
  running(): readonly string[]
  submit(peer: string, id: number): void
}

/**
 * Above this many unanswered submissions no more are made: a halted group would otherwise fill its
 * members' pools (4,096 commands, 64 a client) and be busy with the backlog after it goes on.
 */
export const OUTSTANDING_MAX = 48

/** Submits increments at a constant rate, one peer after the other, and counts what becomes of them. */
export class Workload {
  readonly ratePerS: number
  readonly #peers: WorkloadPeers
  /** Peer by submission that is not answered yet. */
  readonly #outstanding = new Map<number, string>()
  #timer: NodeJS.Timeout | undefined
  #submitted = 0
  #refused = 0
  #turn = 0

  constructor(ratePerS: number, peers: WorkloadPeers) {
    this.ratePerS = ratePerS
    this.#peers = peers
  }

  get submitted(): number {
    return this.#submitted
  }

  get refused(): number {
    return this.#refused
  }

  start(): void {
    if (this.ratePerS > 0) this.#timer ??= setInterval(() => this.#submitOne(), 1_000 / this.ratePerS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  settle(id: number, error: string | undefined): void {
    if (this.#outstanding.delete(id) && error !== undefined) this.#refused++
  }

  /** Answers of this peer will never come: its process ended. */
  forget(peer: string): void {
    for (const [id, owner] of this.#outstanding) if (owner === peer) this.#outstanding.delete(id)
  }

  #submitOne(): void {
    const running = this.#peers.running()
    const peer = running[this.#turn++ % Math.max(1, running.length)]
    if (peer === undefined || this.#outstanding.size >= OUTSTANDING_MAX) return
    const id = ++this.#submitted
    this.#outstanding.set(id, peer)
    this.#peers.submit(peer, id)
  }
}
