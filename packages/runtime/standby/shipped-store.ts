import type { Store, StoreOperation } from '@brume/ports'
import { BOOT_KEY } from '../kernel/durable/keys.ts'
import { decodeBoot, encodeBoot } from '../kernel/durable/values.ts'
import { encodeBatch } from './log.ts'

/** Boots of one epoch that a kernel may count by itself: it does when it has used 2^21 incarnations. */
const BOOTS_PER_EPOCH = 1_024

interface ShippedOptions {
  readonly data: Store
  readonly epoch: number
  /** ms since 1970. */
  readonly wallMs: () => number
  /** A batch is to be written here and shipped. */
  readonly commit: (batch: Uint8Array) => void
}

/**
 * The store of a held actor's kernel. A batch is confirmed when it is on this disk and on those of all in step, so that
 * the kernel's own rule, that nothing leaves before its batch is confirmed, is all it takes.
 */
export class ShippedStore implements Store {
  readonly #options: ShippedOptions
  readonly #waiting: (() => void)[] = []
  #released = 0
  #isClosed = false

  constructor(options: ShippedOptions) {
    this.#options = options
  }

  /**
   * Boots of an actor that was placed anew go on above those of the one before it at this address, and so do its
   * incarnations, which others may remember.
   */
  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const value = await this.#options.data.get(key)
    return Buffer.compare(key, BOOT_KEY) === 0 ? this.#raised(value) : value
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    return this.#options.data.getSync(key)
  }

  /** Once the actor is held elsewhere it stays unanswered: nothing may depend on it. */
  batch(operations: readonly StoreOperation[]): Promise<void> {
    return new Promise((done) => {
      if (this.#isClosed) return
      this.#waiting.push(done)
      this.#options.commit(encodeBatch(operations))
    })
  }

  entries(range?: Parameters<Store['entries']>[0]): ReturnType<Store['entries']> {
    return this.#options.data.entries(range)
  }

  sub(): Store {
    throw new RangeError('a kernel has one part of its store')
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  /** The first so many may be acted on. */
  release(batches: number): void {
    for (; this.#released < batches && !this.#isClosed; this.#released += 1) this.#waiting.shift()?.()
  }

  #raised(value: Uint8Array | undefined): Uint8Array {
    const stored = value === undefined ? undefined : decodeBoot(value)
    const least = this.#options.epoch * BOOTS_PER_EPOCH
    const aliveMs = stored?.aliveMs ?? Math.ceil(this.#options.wallMs())
    return encodeBoot(Math.max(stored?.boot ?? 0, least), aliveMs)
  }
}
