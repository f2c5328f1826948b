import type { StoreOperation } from '@brume/ports'
import { keyText } from './keys.ts'
import { CHANGE_BYTES_GUESS } from './limits.ts'
import type { Persistent, StoredActor } from './port.ts'

/** A value that is encoded when its batch closes, or the deletion of its key. */
type Change = { readonly key: Uint8Array; readonly value: (() => Uint8Array) | null }

/** What is written together: the last change of each key, and one record an actor however many steps it made. */
export class Batch {
  readonly number: number
  readonly #changes = new Map<string, Change>()
  /** Keys that go with the rest, and are worth no sync of their own. */
  readonly #discarded = new Map<string, Uint8Array>()
  /** Actors whose record is taken when the batch closes. */
  readonly saved = new Map<string, Persistent>()
  /** Those that ended, as they were then. */
  readonly buried = new Map<string, StoredActor>()

  constructor(number: number) {
    this.number = number
  }

  get isEmpty(): boolean {
    return !this.isWanted && this.#discarded.size === 0
  }

  /** Someone waits for it, or may. */
  get isWanted(): boolean {
    return this.#changes.size > 0 || this.saved.size > 0 || this.buried.size > 0
  }

  /** About: what it will be once it is encoded. */
  get bytes(): number {
    return (this.#changes.size + this.#discarded.size + 2 * this.saved.size) * CHANGE_BYTES_GUESS
  }

  put(key: Uint8Array, value: () => Uint8Array): void {
    this.#changes.set(keyText(key), { key, value })
  }

  delete(key: Uint8Array): void {
    this.#changes.set(keyText(key), { key, value: null })
  }

  /** Deleted whenever something else is written. */
  discard(key: Uint8Array): void {
    this.#discarded.set(keyText(key), key)
  }

  /** As if nothing had been put in this batch. False where nothing was. */
  unput(key: Uint8Array): boolean {
    return this.#changes.delete(keyText(key))
  }

  /** Undefined: not changed here; null: deleted here. */
  read(key: string): Uint8Array | null | undefined {
    const change = this.#changes.get(key)
    if (change === undefined) return this.#discarded.has(key) ? null : undefined
    return change.value === null ? null : change.value()
  }

  close(): ClosedBatch {
    const operations: StoreOperation[] = []
    const values = new Map<string, Uint8Array | null>()
    let bytes = 0
    for (const [name, key] of this.#discarded) if (!this.#changes.has(name)) this.delete(key)
    for (const [name, { key, value }] of this.#changes) {
      const encoded = value === null ? null : value()
      values.set(name, encoded)
      bytes += key.length + (encoded?.length ?? 0)
      operations.push(encoded === null ? { type: 'del', key } : { type: 'put', key, value: encoded })
    }
    return { number: this.number, operations, values, bytes }
  }
}

/** A batch on its way to the disk: what it holds is read from here until it is there. */
export interface ClosedBatch {
  readonly number: number
  readonly operations: readonly StoreOperation[]
  readonly values: ReadonlyMap<string, Uint8Array | null>
  readonly bytes: number
}
