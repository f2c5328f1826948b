import type { Store } from '@brume/ports'
import { memoryStore, SimClock, SimRandom, seedFromHex } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { setup } from 'xstate'
import { quiet, SELF } from '../kernel/durable/fixture.ts'
import { recordKey } from '../kernel/durable/keys.ts'
import { Residents } from '../kernel/durable/residents.ts'
import { createKernel, type Kernel, type Kind, type Migrating, type SpawnOptions } from '../kernel/index.ts'
import { xstate5 } from '../logic/xstate5/index.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

interface Life {
  readonly kernel: Kernel
  readonly clock: SimClock
}

/** A process that starts at this wall time, ms since 2026. */
async function life(store: Store, atMs: number, kinds: readonly Kind[]): Promise<Life> {
  const clock = new SimClock({ wallMs: Date.UTC(2026) + atMs })
  const random = new SimRandom(seedFromHex('00'.repeat(16)), 'life')
  const kernel = createKernel({ clock, random, log: quiet, self: SELF, store: store.sub('actors/') })
  await kernel.start()
  for (const kind of kinds) kernel.register(kind)
  return { kernel, clock }
}

const machine = setup({
  types: {} as { context: { n: number }; events: { type: 'go' } | { type: 'brume.down' } }
}).createMachine({
  context: { n: 0 },
  initial: 'off',
  states: { off: { on: { go: 'waiting' } }, waiting: { after: { [2 * HOUR_MS]: 'rung' } }, rung: {} }
})

const alarm: Kind = { name: 'alarm', version: 1, logic: xstate5(machine) }

/** Settled before a killed process's store is used by the next. */
async function alarmed(store: Store, options: SpawnOptions): Promise<Life> {
  const first = await life(store, 0, [alarm])
  first.kernel.spawn('alarm', 'alarm', options)
  await first.kernel.submit('alarm', { type: 'go' })
  return first
}

const valueAt = async (kernel: Kernel, path: string): Promise<unknown> => (await kernel.snapshot(path)).value

describe('a timer of two hours, half an hour before a kill and three before the next start', () => {
  test.each([
    ['deadline', 0],
    ['remaining', 1.5 * HOUR_MS],
    ['restart', 2 * HOUR_MS]
  ] as const)('resumes by %s', async (resume, leftMs) => {
    const store = memoryStore()
    const { clock } = await alarmed(store, { resume })
    await clock.pass(HOUR_MS / 2)
    const second = await life(store, 3.5 * HOUR_MS, [alarm])
    await second.clock.pass(Math.max(0, leftMs - MINUTE_MS))
    if (leftMs > 0) expect(await valueAt(second.kernel, 'alarm')).toBe('waiting')
    await second.clock.pass(2 * MINUTE_MS)
    expect(await valueAt(second.kernel, 'alarm')).toBe('rung')
    expect((await second.kernel.snapshot('alarm')).seq).toBe(2)
  })

  test.each(['deadline', 'remaining', 'restart'] as const)('by %s rings once over many starts', async (resume) => {
    const store = memoryStore()
    await alarmed(store, { resume, passivateMs: 0 })
    for (let start = 1; start <= 5; start++) {
      const { clock } = await life(store, start * 8 * HOUR_MS, [alarm])
      await clock.pass(3 * HOUR_MS)
    }
    const { kernel } = await life(store, 100 * HOUR_MS, [alarm])
    expect(await kernel.snapshot('alarm')).toMatchObject({ value: 'rung', seq: 2 })
  })

  test('wakes an actor that nobody else asks for', async () => {
    const store = memoryStore()
    const { clock } = await alarmed(store, {})
    await clock.pass(1)
    const second = await life(store, HOUR_MS, [alarm])
    await second.clock.pass(HOUR_MS / 2)
    expect(second.kernel.actors()).toEqual([])
    await second.clock.pass(HOUR_MS / 2 + 1)
    expect(second.kernel.actors().map(({ path }) => path)).toEqual(['alarm'])
  })
})

describe('versions', () => {
  const counting = (version: number, migrate?: Kind['migrate']): Kind => ({
    name: 'alarm',
    version,
    logic: alarm.logic,
    ...(migrate && { migrate })
  })
  const more = (stored: Migrating): Migrating => ({
    ...stored,
    context: { n: (stored.context as { n: number }).n + 1 }
  })
  const contextOf = async (kernel: Kernel) => (await kernel.snapshot('alarm')).context

  test('older records pass the functions between, once, and keep their timers', async () => {
    const store = memoryStore()
    await alarmed(store, {})
    const second = await life(store, HOUR_MS, [counting(3, { 1: more, 2: more })])
    expect(await contextOf(second.kernel)).toEqual({ n: 2 })
    await second.clock.pass(HOUR_MS + 1)
    expect(await valueAt(second.kernel, 'alarm')).toBe('rung')
    const third = await life(store, 5 * HOUR_MS, [counting(3, { 1: more, 2: more })])
    expect(await contextOf(third.kernel)).toEqual({ n: 2 })
  })

  test.each([
    ['a function is missing', counting(3, { 1: more })],
    ['the record is newer', counting(0)],
    ['what it gives is not what the machine has', counting(2, { 1: (stored) => ({ ...stored, value: 'nowhere' }) })],
    [
      'a function throws',
      counting(2, {
        1: () => {
          throw new Error('no')
        }
      })
    ]
  ])('refuses, and keeps its bytes, where %s', async (_, kind) => {
    const store = memoryStore()
    await alarmed(store, {})
    const second = await life(store, HOUR_MS, [kind])
    expect(second.kernel.tell('alarm', { type: 'go' })).toBe('unmigrated')
    await second.clock.pass(3 * HOUR_MS)
    const third = await life(store, 5 * HOUR_MS, [alarm])
    await third.clock.pass(1)
    expect(await valueAt(third.kernel, 'alarm')).toBe('rung')
  })
})

test('a record that is no record refuses as damaged, is not overwritten, and harms no other', async () => {
  const store = memoryStore()
  await alarmed(store, {})
  const key = recordKey(new Residents(SELF).idOf('alarm'))
  const bytes = Uint8Array.of(0x83, 0x01)
  await store.sub('actors/').batch([{ type: 'put', key, value: bytes }])
  const { kernel, clock } = await life(store, 3 * HOUR_MS, [alarm])
  await clock.pass(1)
  expect(kernel.tell('alarm', { type: 'go' })).toBe('damaged')
  expect(() => kernel.spawn('alarm', 'alarm')).toThrow(expect.objectContaining({ name: 'RuntimeError' }))
  kernel.spawn('other', 'alarm')
  await kernel.submit('other', { type: 'go' })
  expect(await store.sub('actors/').get(key)).toEqual(bytes)
})

test('incarnations grow over starts, and none is used twice', async () => {
  const store = memoryStore()
  const seen: number[] = []
  for (let start = 0; start < 4; start++) {
    const { kernel } = await life(store, start * HOUR_MS, [alarm])
    kernel.spawn('passing', 'alarm')
    seen.push((await kernel.snapshot('passing')).incarnation)
    await kernel.stopActor('passing')
  }
  expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  expect(new Set(seen).size).toBe(4)
})
