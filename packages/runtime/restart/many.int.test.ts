import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '@brume/ports'
import { systemClock, systemRandom } from '@brume/ports/system'
import { openStore } from '@brume/store'
import { afterEach, expect, test, vi } from 'vitest'
import { createDurable } from '../kernel/durable/durable.ts'
import { quiet, SELF, someActor } from '../kernel/durable/fixture.ts'
import type { StoredActor } from '../kernel/durable/port.ts'
import { createKernel } from '../kernel/index.ts'
import { kinds } from './testing/program.ts'

const ACTORS = 100_000
const HOUR_MS = 3_600_000
const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function fill(store: Store, dueMs: (n: number) => number): Promise<void> {
  const durable = createDurable({
    ...{ store, authority: SELF, clock: systemClock(), log: quiet },
    onConfirmed: () => undefined,
    onFatal: (error) => expect.unreachable(String(error)),
    onDue: () => undefined
  })
  for (let n = 0; n < ACTORS; n++) {
    const path = `many/${n}`
    const timer = { id: 't', dueMs: dueMs(n), delayMs: HOUR_MS, event: { type: 'add', k: n }, to: null }
    const actor: StoredActor = someActor(path, {
      kind: 'mirror',
      state: ['active', null, {}, [], [], [], []],
      timers: [timer]
    })
    durable.save({ path, durability: 'snapshot', record: () => actor })
    durable.release(path)
    if (n % 10_000 === 0) durable.flush()
  }
  await durable.stop()
}

test('a kernel with 100,000 actors with timers reads indexes and no records, and is ready', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'brume-many-'))
  folders.push(folder)
  const store = await openStore(join(folder, 'store'))
  const actors = store.sub('actors/')
  const startMs = systemClock().wall()
  // Ten are due soon, the others within a month.
  await fill(actors, (n) => Math.ceil(startMs + (n < 10 ? 1 : HOUR_MS + n * 20_000)))
  const reads = vi.spyOn(actors, 'getSync')
  const clock = systemClock()
  const kernel = createKernel({ clock, random: systemRandom(), log: quiet, self: SELF, store: actors })
  const beforeMs = clock.now()
  await kernel.start()
  const readyMs = clock.now() - beforeMs
  // Those that are due may have been woken meanwhile; a hundred thousand records were not read.
  expect(reads.mock.calls.length).toBeLessThan(100)
  for (const kind of kinds({ sink: 'sink', ear: 'ear', source: 'source' }, () => undefined)) kernel.register(kind)
  await vi.waitFor(() => expect(kernel.actors()).toHaveLength(10), { timeout: 60_000 })
  const wokenMs = clock.now() - beforeMs
  console.log(
    `${ACTORS} actors with timers: ready after ${readyMs.toFixed(0)} ms, the first ten woken after ${wokenMs.toFixed(0)} ms`
  )
  await kernel.stop()
  await store.close()
}, 240_000)
