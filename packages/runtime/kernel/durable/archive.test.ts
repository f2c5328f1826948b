import { memoryStore } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { SELF } from './fixture.ts'
import { recordKey } from './keys.ts'
import { Residents } from './residents.ts'
import { bench, HOUR_MS, Puppet, stateOf, timer } from './testing/bench.ts'

describe('records', () => {
  test('in a store that lost records none is begun again from what is left, nor as if it were new', async () => {
    const store = memoryStore()
    const first = bench(store).durable
    await first.start()
    first.save(new Puppet('a', { state: 1 }))
    await first.stop()
    const damage = new Error('lost')
    const { durable } = bench(Object.assign(store, { damage }))
    await durable.start()
    expect(durable.load('a')).toEqual({ kind: 'damaged', error: damage })
    expect(durable.load('b')).toEqual({ kind: 'damaged', error: damage })
  })

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
