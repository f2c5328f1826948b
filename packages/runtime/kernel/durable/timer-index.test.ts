import { memoryStore, SimClock } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { TIMER_WINDOW_MS } from './limits.ts'
import { bench, HOUR_MS, Puppet, timer } from './testing/bench.ts'

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
