import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '@brume/ports'
import { openStore } from '@brume/store'

/** A store in a folder of its own, gone afterwards. */
export async function withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'brume-bench-'))
  try {
    const store = await openStore(join(folder, 'store'))
    try {
      return await use(store)
    } finally {
      await store.close()
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}
