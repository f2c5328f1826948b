/**
 * Work pooled to the end of one turn of the event loop: first what reads brought (one `flush` per
 * channel, however many sockets delivered), then what is to be sent (one write per stream). Both run
 * in one `setImmediate`, so an answer given in `flush` leaves in the same turn.
 */
export class Turn {
  readonly #reads = new Set<() => void>()
  readonly #writes = new Set<() => void>()
  #armed = false

  afterReads(run: () => void): void {
    this.#reads.add(run)
    this.#arm()
  }

  beforeLeaving(run: () => void): void {
    this.#writes.add(run)
    this.#arm()
  }

  #arm(): void {
    if (this.#armed) return
    this.#armed = true
    setImmediate(() => this.#run())
  }

  #run(): void {
    this.#armed = false
    drain(this.#reads)
    drain(this.#writes)
  }
}

function drain(jobs: Set<() => void>): void {
  const due = [...jobs]
  jobs.clear()
  for (const job of due) job()
}

/**
 * Runs `decide` after two turns of the loop: everything that had arrived in the kernel before the
 * timer fired has been handed over by then (libp2p.md 10).
 */
export function afterIo(decide: () => void): void {
  setImmediate(() => setImmediate(decide))
}
