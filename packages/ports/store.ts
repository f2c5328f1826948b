/** One change in a batch. Keys and values are opaque bytes; keys order by unsigned byte. */
export type StoreOperation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array }

/** Bounds of an iteration: `from` inclusive, `to` exclusive. */
export interface StoreRange {
  readonly from?: Uint8Array
  readonly to?: Uint8Array
  /** Largest keys first. Default false. */
  readonly reverse?: boolean
  /** At most this many entries. Default no limit. */
  readonly limit?: number
}

export interface StoreWriteOptions {
  /** Resolve only when the bytes are on disk. Default false. */
  readonly sync?: boolean
}

/**
 * An ordered key-value store. Every call rejects with `StoreError` (`BRUME_STORE_*`): closed,
 * locked by another process, damaged, or the disk's own failure as cause.
 */
export interface Store {
  /**
   * Set where opening found that records which had been written are gone: what is read may be older than what was
   * acknowledged, or missing. What can be fetched from others goes on; what is nowhere else must not begin anew by itself.
   */
  readonly damage?: Error
  /** The value, or undefined where there is none. */
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** As `get`, at once: the caller waits for the disk where the value is in no cache. Throws what `get` rejects with. */
  getSync(key: Uint8Array): Uint8Array | undefined
  /** All changes or none. */
  batch(operations: readonly StoreOperation[], options?: StoreWriteOptions): Promise<void>
  /** Entries in key order, from the state at the time of the call. */
  entries(range?: StoreRange): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>
  /** A view in which every key carries this prefix; closing it does nothing. */
  sub(prefix: string): Store
  close(): Promise<void>
}
