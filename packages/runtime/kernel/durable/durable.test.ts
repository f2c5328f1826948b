import type { Store } from '@brume/ports'
import { memoryStore, SimClock, StoreMedium } from '@brume/testkit'
import { describe, expect, test, vi } from 'vitest'
import { createDurable } from './durable.ts'
import { quiet, SELF, slowStore, someActor, someOptions } from './fixture.ts'
import { recordKey } from './keys.ts'
import { TIMER_WINDOW_MS } from './limits.ts'
import type { Durable, DurableOptions, Persistent, StoredActor } from './port.ts'
import { Residents } from './residents.ts'

const HOUR_MS = 3_600_000

interface Bench {
  readonly clock: SimClock
  readonly durable: Durable
  readonly confirmed: number[]
  readonly due: string[]
}

function bench(store: Store, clock = new SimClock(), more: Partial<DurableOptions> = {}): Bench {
  const confirmed: number[] = []
  const due: string[] = []
  const durable: Durable = createDurable({
    store,
    authority: SELF,
    clock,
    log: quiet,
    onConfirmed: (batch) => confirmed.push(batch),
    onFatal: (error) => expect.unreachable(String(error)),
    onDue: (path) => {
      due.push(path)
      durable.load(path)
    },
    ...more
  })
  return { clock, durable, confirmed, due }
}

/** An actor whose fields a test sets, and that counts how often its record was taken. */
class Puppet implements Persistent {
  readonly path: string
  taken = 0
  #actor: StoredActor

  constructor(path: string, fields: Partial<StoredActor> = {}) {
    this.path = path
    this.#actor = someActor(path, fields)
  }

  get durability() {
    return this.#actor.options.durability
  }

  set(fields: Partial<StoredActor>): this {
    this.#actor = { ...this.#actor, ...fields }
    return this
  }

  record(): StoredActor {
    this.taken += 1
    return this.#actor
  }
}

const stateOf = (durable: Durable, path: string): unknown => {
  const loaded = durable.load(path)
  return loaded?.kind === 'actor' ? loaded.actor.state : loaded?.kind
}

const timer = (clock: SimClock, inMs: number, id = 't') => ({
  id,
  dueMs: clock.wall() + inMs,
  delayMs: inMs,
  event: { type: 'ring' },
  to: null
})

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

describe('after a kill', () => {
  test('what was confirmed is there, and what was not went whole', async () => {
    const medium = new StoreMedium()
    const clock = new SimClock()
    const first = bench(slowStore(medium.open(), clock, { beforeMs: () => 5, afterMs: () => 5 }), clock)
    const actor = new Puppet('a', { state: 1 })
    first.durable.save(actor)
    first.durable.putReply('a', new Uint8Array(16), { expiresMs: 1e13, code: 'ok', value: 5 })
    first.durable.flush()
    await clock.pass(12)
    first.durable.save(actor.set({ state: 2 }))
    first.durable.putWatermark('a', 'brume://x/y', 1, 1)
    first.durable.flush()
    await clock.pass(2)
    medium.kill()
    const { durable } = bench(medium.open(), clock)
    await durable.start()
    expect(stateOf(durable, 'a')).toBe(1)
    expect(durable.watermark('a', 'brume://x/y')).toBeUndefined()
    expect(durable.reply('a', new Uint8Array(16))?.value).toBe(5)
    expect(stateOf(durable, 'b')).toBeUndefined()
  })

  test('boots are counted, and each is beyond those handed out before', async () => {
    const store = memoryStore()
    const first = bench(store).durable
    expect((await first.start()).boot).toBe(1)
    expect(first.nextBoot()).toBe(2)
    await first.stop()
    expect((await bench(store).durable.start()).boot).toBe(3)
  })

  test('who sent what is not confirmed, watches or has moving timers is woken; the others are not read', async () => {
    const store = memoryStore()
    const { durable, clock } = bench(store)
    await durable.start()
    const options = { ...someOptions, resume: 'remaining' as const }
    durable.save(new Puppet('watcher', { wake: true }))
    durable.save(new Puppet('sender'))
    durable.save(new Puppet('gone'))
    durable.save(new Puppet('plain', { timers: [timer(clock, HOUR_MS)] }))
    durable.save(new Puppet('moving', { options, timers: [timer(clock, HOUR_MS)] }))
    durable.save(new Puppet('still', { options }))
    const mail = { kind: 'mail', target: 'brume://x/y', prev: 0, body: { type: 'hi' }, expiresMs: 1e13 } as const
    for (const path of ['sender', 'gone']) durable.putOutbox(path, 7, mail)
    durable.flush()
    durable.bury(new Puppet('gone'))
    await durable.stop()
    const again = bench(store, clock)
    const { awake } = await again.durable.start()
    expect(awake.toSorted()).toEqual(['gone', 'moving', 'sender', 'watcher'])
    expect(again.durable.load('gone')).toBeUndefined()
    expect(again.durable.tombstone('gone')?.status).toBe('stopped')
    expect(again.durable.outbox('sender')).toEqual([{ ...mail, seq: 7, body: expect.objectContaining({ type: 'hi' }) }])
  })

  test.each([
    ['deadline', 0],
    ['remaining', 3 * HOUR_MS],
    ['restart', 3.5 * HOUR_MS]
  ] as const)('timers resume by %s', async (resume, laterMs) => {
    const store = memoryStore()
    const { durable, clock } = bench(store)
    await durable.start()
    const startMs = clock.wall()
    const options = { ...someOptions, resume }
    durable.save(new Puppet('a', { options, timers: [timer(clock, HOUR_MS), timer(clock, 2 * HOUR_MS, 'u')] }))
    durable.flush()
    await clock.pass(HOUR_MS / 2)
    // No clean stop: how long it was up is known by its own sign of life, to 10 s.
    const later = new SimClock({ wallMs: clock.wall() + 3 * HOUR_MS })
    const again = bench(store, later)
    await again.durable.start()
    const loaded = again.durable.load('a')
    const due = loaded?.kind === 'actor' ? loaded.actor.timers.map(({ dueMs }) => dueMs - startMs) : []
    expect(Math.abs((due[0] ?? 0) - (HOUR_MS + laterMs))).toBeLessThanOrEqual(10_000)
    expect(Math.abs((due[1] ?? 0) - (2 * HOUR_MS + laterMs))).toBeLessThanOrEqual(10_000)
    again.durable.release('a')
    await later.pass(HOUR_MS + laterMs)
    expect(again.due).toEqual(['a'])
  })
})

describe('timers of actors that are not in memory', () => {
  test('wake them in due order, once, overdue ones at once, from a minute ahead or two days', async () => {
    const store = memoryStore()
    const { durable, clock } = bench(store)
    await durable.start()
    const delays = [5_000, 48 * HOUR_MS, 1_000, 90_000, 70_000]
    for (const [n, delay] of delays.entries()) durable.save(new Puppet(`a${n}`, { timers: [timer(clock, delay)] }))
    await durable.stop()
    const later = new SimClock({ wallMs: clock.wall() + 10_000 })
    const again = bench(store, later)
    await again.durable.start()
    await later.pass(1)
    expect(again.due).toEqual(['a2', 'a0'])
    await later.pass(60_500)
    expect(again.due).toEqual(['a2', 'a0', 'a4'])
    await later.pass(30_000)
    expect(again.due).toEqual(['a2', 'a0', 'a4', 'a3'])
    await later.pass(49 * HOUR_MS)
    expect(again.due).toEqual(['a2', 'a0', 'a4', 'a3', 'a1'])
  })

  test('follow what becomes of the actor: set, moved, cancelled, loaded', async () => {
    const { durable, clock, due } = bench(memoryStore())
    await durable.start()
    const put = (path: string, ...timers: ReturnType<typeof timer>[]) => {
      durable.save(new Puppet(path, { timers }))
      durable.release(path)
    }
    for (const path of ['stays', 'moves', 'cancelled', 'loaded']) put(path, timer(clock, 10_000))
    durable.flush()
    await clock.pass(1_000)
    for (const path of ['moves', 'cancelled', 'loaded']) expect(durable.load(path)?.kind).toBe('actor')
    put('moves', timer(clock, 60_000))
    put('cancelled')
    durable.flush()
    await clock.pass(10_000)
    expect(due).toEqual(['stays'])
    await clock.pass(60_000)
    expect(due).toEqual(['stays', 'moves'])
    durable.release('loaded')
    await clock.pass(TIMER_WINDOW_MS)
    expect(due).toEqual(['stays', 'moves', 'loaded'])
  })

  test('are tried again, and not at once, where the actor cannot be loaded', async () => {
    const store = memoryStore()
    const clock = new SimClock()
    let tries = 0
    const refuses = (path: string): void => {
      tries += 1
      durable.load(path)
      durable.release(path)
    }
    const { durable } = bench(store, clock, { onDue: refuses })
    await durable.start()
    durable.save(new Puppet('a', { timers: [timer(clock, 1_000)] }))
    durable.release('a')
    durable.flush()
    await clock.pass(1_500)
    // Held when it left, and found in the index.
    expect(tries).toBeGreaterThan(0)
    expect(tries).toBeLessThanOrEqual(2)
    const before = tries
    durable.retry()
    await clock.pass(1)
    expect(tries).toBe(before + 1)
    await clock.pass(TIMER_WINDOW_MS)
    expect(tries).toBeGreaterThan(before + 1)
    expect(tries).toBeLessThan(before + 6)
  })

  test('are not moved by a jump of the wall clock', async () => {
    const { durable, clock, due } = bench(memoryStore())
    await durable.start()
    durable.save(new Puppet('a', { timers: [{ ...timer(clock, 30_000), dueMs: durable.nowMs() + 30_000 }] }))
    durable.release('a')
    durable.flush()
    await clock.pass(1_000)
    clock.jumpWall(HOUR_MS)
    await clock.pass(28_000)
    expect(due).toEqual([])
    await clock.pass(1_000)
    expect(due).toEqual(['a'])
  })
})

describe('records', () => {
  test('an undecodable one is damaged, and its bytes stay', async () => {
    const store = memoryStore()
    const { durable } = bench(store)
    const key = recordKey(new Residents(SELF).idOf('a'))
    await store.batch([{ type: 'put', key, value: Uint8Array.of(0x81, 0xff) }])
    expect(durable.load('a')?.kind).toBe('damaged')
    durable.save(new Puppet('b'))
    await durable.stop()
    expect(await store.get(key)).toEqual(Uint8Array.of(0x81, 0xff))
  })

  test('one that is released and wanted again before it is written is the one that was saved', async () => {
    const { durable, clock } = bench(memoryStore())
    await durable.start()
    durable.save(new Puppet('a', { state: 5 }))
    durable.release('a')
    expect(stateOf(durable, 'a')).toBe(5)
    durable.save(new Puppet('a', { state: 6, timers: [timer(clock, 10)] }))
    durable.flush()
    await clock.pass(1_000)
    expect(stateOf(durable, 'a')).toBe(6)
  })

  test('those of stopped and of restarted actors lie 24 h in a tombstone', async () => {
    const { durable, clock } = bench(memoryStore())
    await durable.start()
    const actor = new Puppet('a', { state: 'first' })
    durable.save(actor)
    durable.flush()
    await clock.pass(1)
    durable.save(actor.set({ state: 'second', incarnation: 2 ** 21 + 1 }))
    durable.flush()
    await clock.pass(1)
    expect(durable.tombstone('a')?.state).toBe('first')
    durable.bury(actor)
    expect(durable.load('a')).toBeUndefined()
    durable.flush()
    await clock.pass(1)
    expect(durable.load('a')).toBeUndefined()
    expect(durable.tombstone('a')).toMatchObject({ state: 'second', status: 'stopped' })
    await clock.pass(24 * HOUR_MS + 1)
    expect(durable.tombstone('a')).toBeUndefined()
  })

  test('aliases lead to addresses, below their root', async () => {
    const { durable } = bench(memoryStore())
    durable.putAlias('root', 'till', 'brume://a/b')
    expect(durable.alias('root', 'till')).toBe('brume://a/b')
    expect(durable.alias('other', 'till')).toBeUndefined()
    durable.putAlias('root', 'till', null)
    expect(durable.alias('root', 'till')).toBeUndefined()
  })

  test('what nobody asks for any more is swept', async () => {
    const store = memoryStore()
    const { durable, clock } = bench(store)
    await durable.start()
    const count = async () => {
      let size = 0
      for await (const _ of store.entries()) size += 1
      return size
    }
    const before = await count()
    for (let n = 0; n < 1_500; n++) durable.putWatermark('a', `brume://x/${n}`, 1, 1)
    durable.putReply('a', new Uint8Array(16), { expiresMs: clock.wall() + 24 * HOUR_MS, code: 'ok', value: 1 })
    durable.bury(new Puppet('b'))
    durable.flush()
    await clock.pass(2 * 24 * HOUR_MS)
    expect(await count()).toBe(before + 1_500)
    durable.putWatermark('a', 'brume://x/7', 1, 2)
    durable.flush()
    await clock.pass(15 * 24 * HOUR_MS)
    expect(await count()).toBe(before + 1)
    expect(durable.watermark('a', 'brume://x/7')).toMatchObject({ seq: 2 })
  })
})

describe('history', () => {
  const journal = { ...someOptions, durability: 'journal' as const }
  const run = async (keepAll: boolean, events: number, everyMs: number) => {
    const { durable, clock } = bench(memoryStore())
    await durable.start()
    const actor = new Puppet('a', { options: { ...journal, keepAll }, state: 0 })
    durable.save(actor)
    for (let seq = 1; seq <= events; seq++) {
      actor.set({ seq, state: seq })
      durable.save(actor, { seq, atMs: durable.nowMs(), sender: null, event: { type: 'add', seq } })
      if (seq % 7 !== 0) continue
      durable.flush()
      await clock.pass(7 * everyMs)
    }
    durable.flush()
    await clock.pass(1)
    return { durable, clock }
  }
  const seqs = async (durable: Durable, from = 0) => {
    const found: number[] = []
    for await (const { seq } of durable.history('a', from)) found.push(seq)
    return found
  }

  test('gives entries, and for each seq a record and the entries from there', async () => {
    const { durable } = await run(false, 300, 1)
    expect(await seqs(durable)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
    expect(await seqs(durable, 299)).toEqual([299, 300])
    for (const seq of [0, 1, 127, 128, 140, 255, 300]) {
      const found = await durable.recordAt('a', seq)
      expect((found?.actor.seq ?? -1) + (found?.entries.length ?? 0)).toBe(seq)
      expect(found?.entries.length).toBeLessThan(140)
    }
  })

  test('keeps 1,000 entries, and what is kept can be stepped', async () => {
    const { durable } = await run(false, 3_000, 1)
    const kept = await seqs(durable)
    expect(kept.length).toBeGreaterThanOrEqual(1_000)
    expect(kept.length).toBeLessThan(1_000 + 2 * 140)
    expect(await durable.recordAt('a', (kept[0] ?? 0) - 1)).toMatchObject({ actor: { seq: (kept[0] ?? 0) - 1 } })
    expect(await durable.recordAt('a', 500)).toBeNull()
  })

  test('keeps 7 days, or all', async () => {
    const some = await run(false, 420, 2 * HOUR_MS)
    const kept = await seqs(some.durable)
    expect(kept.length).toBeGreaterThanOrEqual(84)
    expect(kept.length).toBeLessThan(84 + 12 + 2 * 140)
    expect((await seqs((await run(true, 420, 2 * HOUR_MS)).durable)).length).toBe(420)
    expect((await seqs((await run(true, 1_500, 1)).durable)).length).toBe(1_500)
  })

  test('goes on over a restart of the actor', async () => {
    const { durable, clock } = await run(false, 10, 1)
    const again = new Puppet('a', { options: journal, incarnation: 2 ** 21 + 1, seq: 10, state: 'anew' })
    durable.save(again)
    durable.save(again.set({ seq: 11, state: 'next' }), { seq: 11, atMs: 0, sender: null, event: { type: 'x' } })
    durable.flush()
    await clock.pass(1)
    expect(await durable.recordAt('a', 11)).toMatchObject({ actor: { state: 'anew' }, entries: [{ seq: 11 }] })
  })
})
