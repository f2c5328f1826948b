import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store, StoreRange } from '@brume/ports'
import { openStore } from '@brume/store'
import { ClassicLevel } from 'classic-level'

/** A store in a folder of its own, gone afterwards. */
export function withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
  return withOpened(openStore, use)
}

/** The same without the store's checksums: LevelDB, and a prefix before each key. */
export function withBareStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
  return withOpened(openBare, use)
}

async function withOpened<T>(
  open: (directory: string) => Promise<Store>,
  use: (store: Store) => Promise<T>
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'brume-bench-'))
  try {
    const store = await open(join(folder, 'store'))
    try {
      return await use(store)
    } finally {
      await store.close()
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

type Level = ClassicLevel<Uint8Array, Uint8Array>

async function openBare(directory: string): Promise<Store> {
  const level: Level = new ClassicLevel(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  await level.open()
  return bareStore(level, Buffer.alloc(0))
}

function bareStore(level: Level, prefix: Buffer): Store {
  const full = (key: Uint8Array): Buffer => Buffer.concat([prefix, key])
  return {
    get: (key) => level.get(full(key)),
    getSync: (key) => level.getSync(full(key)),
    batch: (operations, { sync = false } = {}) =>
      level.batch(
        operations.map((operation) => ({ ...operation, key: full(operation.key) })),
        { sync }
      ),
    entries: (range) => entriesOf(level, prefix, range),
    sub: (text) => bareStore(level, full(Buffer.from(text))),
    close: () => level.close()
  }
}

async function* entriesOf(level: Level, prefix: Buffer, { from, to, reverse = false, limit = -1 }: StoreRange = {}) {
  const gte = Buffer.concat([prefix, from ?? Buffer.alloc(0)])
  // No key of these benchmarks begins with 0xff.
  const lt = Buffer.concat([prefix, to ?? Buffer.of(0xff)])
  for await (const [key, value] of level.iterator({ gte, lt, reverse, limit }))
    yield [key.subarray(prefix.length), value] as const
}
