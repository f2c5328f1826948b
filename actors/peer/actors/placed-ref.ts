import type { Cancel, Clock, PeerId } from '@brume/ports'
import { RuntimeError } from '@brume/runtime'
import type { Delivery } from '@brume/runtime/delivery'
import type { Down, HistoryEntry, Kernel, Refusal, Snapshot } from '@brume/runtime/kernel'
import type { Event, Json } from '@brume/runtime/replica'
import { PeerError } from '../errors.ts'
import type { AskOptions, ReadLevel, Ref, SubmitOptions } from './types.ts'
import { isReached } from './until.ts'

const WAIT_TIMEOUT_MS = 30_000

export interface PlacedRefOptions {
  readonly kernel: Kernel
  readonly delivery: Pick<Delivery, 'follow'>
  readonly clock: Clock
  readonly refTo: (address: string) => Ref
  /** Of one that a group has placed, whose kernel is not this peer's own. */
  readonly placed?: { readonly stop: () => Promise<void>; readonly hand: (peer: PeerId) => Promise<void> } | undefined
}

/** An actor that lives on one peer, this one or another. */
export class PlacedRef {
  readonly address: string
  readonly #kernel: Kernel
  readonly #delivery: Pick<Delivery, 'follow'>
  readonly #clock: Clock
  readonly #isHere: boolean
  readonly #path: string
  readonly #refTo: PlacedRefOptions['refTo']
  readonly #placed: PlacedRefOptions['placed']

  constructor(address: string, path: string, isHere: boolean, options: PlacedRefOptions) {
    const { kernel, delivery, clock, refTo, placed } = options
    this.#refTo = refTo
    this.#placed = placed
    this.address = address
    this.#path = path
    this.#isHere = isHere
    this.#kernel = kernel
    this.#delivery = delivery
    this.#clock = clock
  }

  tell(event: Event, options: { readonly ttlMs?: number } = {}): 'accepted' | Refusal {
    return this.#kernel.tell(this.address, event, options)
  }

  submit(event: Event, options: SubmitOptions = {}): Promise<{ readonly seq: number }> {
    return this.#kernel.submit(this.address, event, options)
  }

  ask(event: Event, options: AskOptions = {}): Promise<Json> {
    const { timeoutMs } = options
    return this.#kernel.ask(this.address, event, timeoutMs === undefined ? options : { ...options, ttlMs: timeoutMs })
  }

  async snapshot({ read = 'local' }: { readonly read?: ReadLevel } = {}): Promise<Snapshot> {
    if (read !== 'certified') return this.#kernel.snapshot(this.address, read)
    throw new PeerError('BRUME_PEER_USAGE', 'only replicated actors (mode bft) have certified snapshots')
  }

  async proof(): Promise<Uint8Array> {
    throw new PeerError('BRUME_PEER_USAGE', 'only replicated actors (mode bft) have proofs')
  }

  async waitFor(until: unknown, { timeoutMs = WAIT_TIMEOUT_MS } = {}): Promise<Snapshot> {
    const { promise, resolve, reject } = Promise.withResolvers<Snapshot>()
    const look = (snapshot: Snapshot): void => {
      try {
        if (isReached(until, snapshot)) resolve(snapshot)
      } catch (error) {
        reject(error)
      }
    }
    const lost = (code: string): void =>
      reject(new RuntimeError('BRUME_RUNTIME_UNREACHABLE', `${this.address}: ${code}`))
    const leave = this.follow(look, lost)
    const late = (): void =>
      reject(new RuntimeError('BRUME_RUNTIME_TIMEOUT', `${this.address} did not come to it within ${timeoutMs} ms`))
    const cancel = this.#clock.after(timeoutMs, late)
    this.#kernel.snapshot(this.address).then(look, reject)
    return promise.finally(() => {
      leave()
      cancel()
    })
  }

  follow(changed: (snapshot: Snapshot) => void, ended?: (code: string) => void): Cancel {
    if (this.#isHere) return this.#kernel.follow(this.address, changed)
    return this.#delivery.follow(this.address, changed, ended)
  }

  watch(down: (down: Down) => void): Cancel {
    return this.#kernel.watch(this.address, down)
  }

  on(type: string, emitted: (event: Event) => void): Cancel {
    return this.#kernel.on(this.address, type, emitted)
  }

  history({ from = 0 }: { readonly from?: number } = {}): AsyncIterable<HistoryEntry> {
    return this.#kernel.history(this.#isHere ? this.#path : this.address, from)
  }

  snapshotAt(seq: number): Promise<Snapshot> {
    return this.#kernel.snapshotAt(this.#isHere ? this.#path : this.address, seq)
  }

  /** As a ref to where it lives then. */
  async move(peer: PeerId): Promise<Ref> {
    if (this.#placed !== undefined) {
      await this.#placed.hand(peer)
      return this.#refTo(this.address)
    }
    return this.#refTo((await this.#kernel.move(this.address, peer)).address)
  }

  stop(reason?: string): Promise<void> {
    return this.#placed?.stop() ?? this.#kernel.stopActor(this.#isHere ? this.#path : this.address, reason)
  }
}
