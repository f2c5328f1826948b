import type { Store, StoreOperation, StoreRange, StoreWriteOptions } from '@brume/ports'

/** The code that a closed store answers with; the class with the other codes is that of @brume/store. */
class MemoryStoreError extends Error {
  override readonly name = 'StoreError'
  readonly code = 'BRUME_STORE_CLOSED'

  constructor() {
    super('The store is closed: stop what still uses it before closing it')
  }
}

/** What a batch replaced: its way back. */
type Undo = (readonly [key: string, before: Uint8Array | undefined])[]

interface Shared {
  readonly values: Map<string, Uint8Array>
  /** Keys in order; undefined when one was added or removed since. */
  sorted: readonly string[] | undefined
  closed: boolean
  /** Its process is gone: nothing is answered any more, and nothing written. */
  dead: boolean
  /** Batches that a power cut may undo, oldest first; null where nobody cuts power. */
  readonly unsynced: Undo[] | null
}

/** A store without a disk, ordered as the real one; it holds copies of what it is given. */
export const memoryStore = (): Store =>
  new MemoryStore({ values: new Map(), sorted: undefined, closed: false, dead: false, unsynced: null }, '', true)

/**
 * The disk under stores of processes that die: LevelDB's log in the system's cache. What a process wrote outlives its
 * process, and power only what was synced, or written before something that was.
 */
export class StoreMedium {
  readonly #values = new Map<string, Uint8Array>()
  readonly #unsynced: Undo[] = []
  #open: Shared | undefined

  /** Entries on the disk. */
  get size(): number {
    return this.#values.size
  }

  /** Bytes of all values on it. */
  get bytes(): number {
    return this.#values.values().reduce((sum, { length }) => sum + length, 0)
  }

  /** Another disk, with all that this one has now. */
  copy(): StoreMedium {
    const other = new StoreMedium()
    // Bytes are replaced here, never written into.
    for (const [key, value] of this.#values) other.#values.set(key, value)
    return other
  }

  /** The process that opened it before is gone. */
  open(): Store {
    this.kill()
    this.#open = { values: this.#values, sorted: undefined, closed: false, dead: false, unsynced: this.#unsynced }
    return new MemoryStore(this.#open, '', true)
  }

  /** The process is gone: calls under way come to nothing. */
  kill(): void {
    if (this.#open !== undefined) this.#open.dead = true
    this.#open = undefined
  }

  /** As `kill`, with the power: of batches not synced the first so many are there. `kept(n)` answers 0..n. */
  cutPower(kept: (most: number) => number): void {
    this.kill()
    const lost = this.#unsynced.splice(kept(this.#unsynced.length))
    for (const [key, before] of lost.reverse().flatMap((batch) => batch.reverse())) {
      if (before === undefined) this.#values.delete(key)
      else this.#values.set(key, before)
    }
    this.#unsynced.length = 0
  }

  /** The disk is another, empty one. */
  wipe(): void {
    this.kill()
    this.#values.clear()
    this.#unsynced.length = 0
  }
}

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
    if (this.#shared.dead) return never()
    return this.getSync(key)
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen()
    return this.#shared.values.get(this.#prefix + toText(key))?.slice()
  }

  async batch(operations: readonly StoreOperation[], { sync = false }: StoreWriteOptions = {}): Promise<void> {
    if (this.#shared.dead) return never()
    this.#assertOpen()
    this.#remember(operations)
    for (const operation of operations) this.#apply(operation)
    if (sync) this.#shared.unsynced?.splice(0)
  }

  entries(range: StoreRange = {}): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    const entries = this.#shared.closed ? undefined : this.#snapshot(range)
    return iterate(entries, () => {
      this.#assertOpen()
      return this.#shared.dead
    })
  }

  sub(prefix: string): Store {
    return new MemoryStore(this.#shared, this.#prefix + toText(new TextEncoder().encode(prefix)), false)
  }

  async close(): Promise<void> {
    if (this.#isRoot) this.#shared.closed = true
  }

  #remember(operations: readonly StoreOperation[]): void {
    const { values, unsynced } = this.#shared
    const keys = operations.map(({ key }) => this.#prefix + toText(key))
    unsynced?.push(keys.map((key) => [key, values.get(key)] as const))
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
  isDead: () => boolean
): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
  isDead()
  for (const entry of entries ?? []) {
    if (isDead()) await never()
    yield entry
  }
}

/** What a dead process waits for. */
const never = <T>(): Promise<T> => new Promise<T>(() => {})
