import type { Clock, Log, Store } from '@brume/ports'
import { parseAddress } from '../address.ts'
import type { Kernel } from '../kernel/port.ts'
import type { Placement, StandbyHost } from './port.ts'
import { ShippedStore } from './shipped-store.ts'

export interface HoldOptions {
  readonly address: string
  readonly placement: Placement
  readonly host: StandbyHost
  readonly clock: Clock
  readonly log: Log
  readonly data: Store
  readonly takes: () => boolean
  readonly commit: (batch: Uint8Array) => void
  readonly started: () => void
  readonly failed: () => void
}

/** One kernel over one copy, from the time this peer holds it until it does not. */
export class Hold {
  readonly store: ShippedStore
  kernel: Kernel | undefined
  readonly #options: HoldOptions
  #isOver = false

  constructor(options: HoldOptions) {
    this.#options = options
    const { data, placement, clock, commit } = options
    this.store = new ShippedStore({ data, epoch: placement.epoch, wallMs: () => clock.wall(), commit })
  }

  start(): void {
    const { address, placement, takes, host, log, started, failed } = this.#options
    const { authority, path } = parseAddress(address)
    host.lead({ address, authority, path, placement, store: this.store, takes }).then(
      (kernel) => {
        if (this.#isOver) return this.#stop(kernel)
        this.kernel = kernel
        started()
      },
      (error) => {
        if (this.#isOver) return
        log.error({ error, actor: address }, 'an actor cannot be held here; it goes to a follower in step')
        failed()
      }
    )
  }

  end(): void {
    this.#isOver = true
    void this.store.close()
    if (this.kernel !== undefined) this.#stop(this.kernel)
  }

  /** It never ends: its last batch stays unanswered. By the time this returns it does nothing any more. */
  #stop(kernel: Kernel): void {
    void kernel.stop()
  }
}
