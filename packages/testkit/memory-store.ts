import type { Store, StoreOperation, StoreRange } from '@brume/ports'

/** The code that a closed store answers with; the class with the other codes is that of @brume/store. */
class MemoryStoreError extends Error {
  override readonly name = 'StoreError'
  readonly code = 'BRUME_STORE_CLOSED'

  constructor() {
    super('The store is closed: stop what still uses it before closing it')
  }
}

interface Shared {
  readonly values: Map<string, Uint8Array>
  /** Keys in order; undefined when one was added or removed since. */
  sorted: readonly string[] | undefined
  closed: boolean
}

/** A store without a disk, ordered as the real one; it holds copies of what it is given. */
export const memoryStore = (): Store =>
  new MemoryStore({ values: new Map(), sorted: undefined, closed: false }, '', true)

// One character a byte, so that strings order as bytes do.
const toText = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
const toBytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))

class MemoryStore implements Store {
  readonly #shared: Shared
  readonly #prefix: string
  readonly #isRoot: boolean

  constructor(shared: Shared, prefix: string, isRoot: boolean) {
    this.#shared = shared
    this.#prefix = prefix
    this.#isRoot = isRoot
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#assertOpen()
    return this.#shared.values.get(this.#prefix + toText(key))?.slice()
  }

  async batch(operations: readonly StoreOperation[]): Promise<void> {
    this.#assertOpen()
    for (const operation of operations) this.#apply(operation)
  }

  entries(range: StoreRange = {}): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    const entries = this.#shared.closed ? undefined : this.#snapshot(range)
    return iterate(entries, () => this.#assertOpen())
  }

  sub(prefix: string): Store {
    return new MemoryStore(this.#shared, this.#prefix + toText(new TextEncoder().encode(prefix)), false)
  }

  async close(): Promise<void> {
    if (this.#isRoot) this.#shared.closed = true
  }

  #apply(operation: StoreOperation): void {
    const { values } = this.#shared
    const key = this.#prefix + toText(operation.key)
    if (operation.type === 'del') {
      if (values.delete(key)) this.#shared.sorted = undefined
      return
    }
    if (!values.has(key)) this.#shared.sorted = undefined
    values.set(key, operation.value.slice())
  }

  #snapshot(range: StoreRange): (readonly [Uint8Array, Uint8Array])[] {
    const shared = this.#shared
    shared.sorted ??= [...shared.values.keys()].sort()
    const from = this.#prefix + toText(range.from ?? new Uint8Array())
    const to = range.to === undefined ? undefined : this.#prefix + toText(range.to)
    const keys = shared.sorted.filter(
      (key) => key.startsWith(this.#prefix) && key >= from && (to === undefined || key < to)
    )
    if (range.reverse) keys.reverse()
    return keys
      .slice(0, range.limit ?? keys.length)
      .map((key) => [toBytes(key.slice(this.#prefix.length)), shared.values.get(key)?.slice() ?? new Uint8Array()])
  }

  #assertOpen(): void {
    if (this.#shared.closed) throw new MemoryStoreError()
  }
}

async function* iterate(
  entries: readonly (readonly [Uint8Array, Uint8Array])[] | undefined,
  assertOpen: () => void
): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
  assertOpen()
  for (const entry of entries ?? []) {
    assertOpen()
    yield entry
  }
}
