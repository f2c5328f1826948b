import { memoryStore, type SimClock, settle } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { countingMachine, life, light, run, world } from './fixture.ts'
import type { Kernel } from './index.ts'

describe('an idle actor', () => {
  const places = (kernel: Kernel): string[] => kernel.actors().map(({ path }) => path)
  const idle = async (clock: SimClock): Promise<void> => {
    await settle()
    clock.run(60_000)
    await settle()
  }

  test('on disk leaves memory after a minute, and comes back for an event', async () => {
    const { kernel, clock } = await life(memoryStore())
    run(kernel, 'c', countingMachine)
    await kernel.submit('c', { type: 'add' })
    await idle(clock)
    expect(places(kernel)).toEqual([])
    await kernel.submit('c', { type: 'add' })
    expect(await kernel.snapshot('c')).toMatchObject({ context: { n: 2 }, seq: 2 })
  })

  test('in memory does so where it was allowed to', async () => {
    const { kernel, clock } = world()
    run(kernel, 'packed', countingMachine, { passivate: true })
    run(kernel, 'stays', countingMachine)
    const { incarnation } = await kernel.snapshot('packed')
    for (const path of ['packed', 'stays']) await kernel.submit(path, { type: 'add' })
    await idle(clock)
    expect(places(kernel)).toEqual(['stays'])
    expect(await kernel.snapshot('packed')).toMatchObject({ context: { n: 1 }, incarnation })
  })

  test('needs no event to rest: once spawned, and again after a read', async () => {
    const { kernel, clock } = await life(memoryStore())
    run(kernel, 'c', countingMachine)
    run(kernel, 'v', countingMachine, { durability: 'memory', passivate: true })
    for (let round = 0; round < 2; round++) {
      await idle(clock)
      expect(places(kernel)).toEqual([])
      for (const path of ['c', 'v']) expect(await kernel.snapshot(path)).toMatchObject({ context: { n: 0 }, seq: 0 })
    }
  })

  test.each([true, false])('is woken by its timers; volatile: %s', async (isVolatile) => {
    const { kernel, clock } = isVolatile ? world() : await life(memoryStore())
    run(kernel, 'light', light, { passivateMs: 1_000, passivate: true })
    await settle()
    kernel.tell('light', { type: 'nothing' })
    await settle()
    clock.run(2_000)
    expect(places(kernel)).toEqual([])
    await settle()
    clock.run(8_000)
    await settle()
    clock.run(0)
    await settle()
    expect(await kernel.snapshot('light')).toMatchObject({ value: 'green' })
  })
})
