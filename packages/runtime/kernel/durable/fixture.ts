import type { Clock, Log, Store, StoreOperation } from '@brume/ports'
import type { StoredActor, StoredOptions } from './port.ts'

const nothing = (): void => undefined
export const quiet: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => quiet }

export const SELF = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'

export const someOptions: StoredOptions = {
  durability: 'snapshot',
  input: null,
  mailbox: null,
  supervise: null,
  passivateMs: null,
  allow: null,
  resume: 'deadline',
  keepAll: false
}

export const someActor = (path: string, fields: Partial<StoredActor> = {}): StoredActor => ({
  address: `brume://${SELF}/${path}`,
  kind: 'counter',
  logicId: new Uint8Array(32).fill(7),
  version: 1,
  incarnation: 2 ** 21,
  seq: 0,
  status: 'active',
  state: ['active', {}, { n: 0 }],
  children: [],
  timers: [],
  watching: [],
  restarts: 0,
  outNext: 1,
  parent: null,
  createdMs: 1_767_225_600_000,
  wake: false,
  options: someOptions,
  failure: null,
  ...fields
})

/** How long a write takes to reach the disk, and the news of it to come back, ms; drawn once each. */
export interface Slowness {
  readonly beforeMs: () => number
  readonly afterMs: () => number
}

/** The store of a disk that takes its time: what is cut off before, is not there; after, it is there and nobody knows. */
export function slowStore(store: Store, clock: Clock, { beforeMs, afterMs }: Slowness): Store {
  const pass = (ms: number): Promise<void> => new Promise((done) => void clock.after(ms, done))
  return {
    get: (key) => store.get(key),
    getSync: (key) => store.getSync(key),
    batch: async (operations: readonly StoreOperation[], options) => {
      await pass(beforeMs())
      await store.batch(operations, options)
      await pass(afterMs())
    },
    entries: (range) => store.entries(range),
    sub: (prefix) => slowStore(store.sub(prefix), clock, { beforeMs, afterMs }),
    close: () => store.close()
  }
}
