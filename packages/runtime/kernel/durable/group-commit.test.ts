import { memoryStore, SimClock, StoreMedium } from '@brume/testkit'
import { describe, expect, test, vi } from 'vitest'
import { slowStore } from './fixture.ts'
import { bench, Puppet, stateOf } from './testing/bench.ts'

describe('group commit', () => {
  test('one record for many steps, one sync in flight, confirmed in order', async () => {
    const medium = new StoreMedium()
    const clock = new SimClock()
    const store = slowStore(medium.open(), clock, { beforeMs: () => 5, afterMs: () => 0 })
    const batches = vi.spyOn(store, 'batch')
    const { durable, confirmed } = bench(store, clock)
    const started = durable.start()
    await clock.pass(10)
    await started
    batches.mockClear()
    const actor = new Puppet('a')
    for (let n = 1; n <= 50; n++) durable.save(actor.set({ state: n }))
    expect(actor.taken).toBe(0)
    durable.flush()
    expect(actor.taken).toBe(1)
    for (let n = 51; n <= 100; n++) {
      durable.save(actor.set({ state: n }))
      durable.flush()
    }
    expect(batches).toHaveBeenCalledTimes(1)
    expect(durable.open).toBe(2)
    expect(confirmed).toEqual([])
    expect(stateOf(durable, 'a')).toBe(100)
    await clock.pass(5)
    expect(confirmed).toEqual([1])
    expect(batches).toHaveBeenCalledTimes(2)
    await clock.pass(5)
    expect(confirmed).toEqual([1, 2])
    expect(actor.taken).toBe(3)
  })

  test('a full batch closes behind the one in flight, and stays whole', async () => {
    const clock = new SimClock()
    const store = slowStore(memoryStore(), clock, { beforeMs: () => 1_000, afterMs: () => 0 })
    const { durable, confirmed } = bench(store, clock)
    durable.save(new Puppet('first'))
    durable.flush()
    for (let n = 0; n < 20_000; n++) durable.putWatermark('first', `brume://x/${n}`, 1, n)
    expect(durable.open).toBe(2)
    durable.flush()
    expect(durable.open).toBe(3)
    expect(durable.backlogBytes).toBeGreaterThan(1_000_000)
    durable.save(new Puppet('last'))
    durable.flush()
    expect(durable.open).toBe(3)
    await clock.pass(5_000)
    expect(confirmed).toEqual([1, 2, 3])
    expect(durable.watermark('first', 'brume://x/19999')).toMatchObject({ incarnation: 1, seq: 19_999 })
    expect(durable.backlogBytes).toBe(0)
  })

  test('a failed write is final: told once, and nothing after it is confirmed', async () => {
    const fatal: Error[] = []
    const store = memoryStore()
    const { durable, confirmed } = bench(store, new SimClock(), { onFatal: (error) => fatal.push(error) })
    await durable.start()
    await store.close()
    for (const path of ['a', 'b']) {
      durable.save(new Puppet(path))
      durable.flush()
    }
    await vi.waitFor(() => expect(fatal).toHaveLength(1))
    durable.save(new Puppet('c'))
    durable.flush()
    await durable.stop()
    expect(confirmed).toEqual([])
    expect(fatal).toHaveLength(1)
  })

  test('what is put and dropped in one batch is never written', async () => {
    const store = memoryStore()
    const { durable } = bench(store)
    const mail = { kind: 'mail', target: 'brume://x/y', prev: 0, body: { type: 'hi' }, expiresMs: 1e13 } as const
    durable.putOutbox('a', 1, mail)
    durable.putOutbox('a', 2, mail)
    durable.dropOutbox('a', 1)
    durable.flush()
    await durable.stop()
    const keys: number[] = []
    for await (const [key] of store.entries({ from: Uint8Array.of(0x6f), to: Uint8Array.of(0x70) }))
      keys.push(key[24] ?? 0)
    expect(keys).toEqual([2])
    expect(durable.outbox('a').map(({ seq }) => seq)).toEqual([2])
  })
})
