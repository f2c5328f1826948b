import { memoryStore } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { someOptions } from './fixture.ts'
import type { Durable } from './port.ts'
import { bench, HOUR_MS, Puppet } from './testing/bench.ts'

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
