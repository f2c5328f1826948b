import { memoryStore, SimClock, StoreMedium } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { slowStore, someOptions } from './fixture.ts'
import { bench, HOUR_MS, Puppet, stateOf, timer } from './testing/bench.ts'

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
