import type { Store, StoreOperation, StoreRange } from '@brume/ports'
import { StoreError } from '@brume/store'

interface Shared {
  readonly values: Map<string, Uint8Array>
  /** Keys in order; undefined once one was added or removed. */
  sorted: readonly string[] | undefined
  closed: boolean
}

/** The store of a peer without a data directory. It holds copies, and all of them in memory. */
export const memoryStore = (): Store => viewOf({ values: new Map(), sorted: undefined, closed: false }, '', true)

// One character a byte, so that strings order as bytes do.
const toText = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
const toBytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))

function viewOf(shared: Shared, prefix: string, isRoot: boolean): Store {
  const getSync = (key: Uint8Array): Uint8Array | undefined => {
    requireOpen(shared)
    return shared.values.get(prefix + toText(key))?.slice()
  }
  return {
    getSync,
    get: async (key) => getSync(key),
    batch: async (operations) => {
      requireOpen(shared)
      for (const operation of operations) apply(shared, prefix, operation)
    },
    entries: (range) => iterate(shared, shared.closed ? [] : entriesOf(shared, prefix, range)),
    sub: (name) => viewOf(shared, prefix + toText(Buffer.from(name)), false),
    close: async () => {
      if (isRoot) shared.closed = true
    }
  }
}

function apply(shared: Shared, prefix: string, operation: StoreOperation): void {
  const key = prefix + toText(operation.key)
  const isNew = operation.type === 'put' && !shared.values.has(key)
  const isGone = operation.type === 'del' && shared.values.delete(key)
  if (operation.type === 'put') shared.values.set(key, operation.value.slice())
  if (isNew || isGone) shared.sorted = undefined
}

type Entry = readonly [Uint8Array, Uint8Array]

function entriesOf(shared: Shared, prefix: string, range: StoreRange = {}): readonly Entry[] {
  shared.sorted ??= [...shared.values.keys()].sort()
  const from = prefix + toText(range.from ?? new Uint8Array())
  const to = range.to === undefined ? undefined : prefix + toText(range.to)
  const keys = shared.sorted.filter((key) => key.startsWith(prefix) && key >= from && (to === undefined || key < to))
  const ordered = range.reverse === true ? keys.reverse() : keys
  return ordered
    .slice(0, range.limit ?? ordered.length)
    .map((key) => [toBytes(key.slice(prefix.length)), shared.values.get(key)?.slice() ?? new Uint8Array()])
}

async function* iterate(shared: Shared, entries: readonly Entry[]): AsyncGenerator<Entry> {
  requireOpen(shared)
  for (const entry of entries) {
    requireOpen(shared)
    yield entry
  }
}

function requireOpen({ closed }: Shared): void {
  if (closed) throw new StoreError('BRUME_STORE_CLOSED', 'the peer whose store this was has stopped')
}
