import { memoryStore } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { countingMachine, downs, run, world } from './kernel/fixture.ts'
import type { Down } from './kernel/index.ts'
import { unwatch, watch } from './logic/index.ts'

describe('a watch', () => {
  test('fires once for each incarnation, however it ends', async () => {
    const { kernel, clock } = world()
    run(kernel, 'x', countingMachine)
    const told: Down[] = []
    kernel.watch('x', (down) => told.push(down))
    kernel.tell('x', { type: 'fail' })
    clock.run(240)
    kernel.tell('x', { type: 'end' })
    run(kernel, 'x', countingMachine)
    await kernel.stopActor('x')
    await kernel.stopActor('x')
    expect(told.map(({ reason }) => reason)).toEqual(['restarted', 'done', 'stopped'])
    const incarnations = told.map(({ incarnation }) => incarnation)
    expect([...new Set(incarnations)].sort((a, b) => a - b)).toEqual(incarnations)
  })

  test('of one incarnation is over with it', async () => {
    const { kernel, clock } = world()
    run(kernel, 'x', countingMachine)
    const { address, incarnation } = await kernel.snapshot('x')
    const told = downs(kernel, `${address}#${incarnation}`)
    kernel.tell('x', { type: 'fail' })
    clock.run(240)
    kernel.tell('x', { type: 'end' })
    expect(told).toEqual([`${address}#${incarnation} restarted`])
    const stale = downs(kernel, `${address}#${incarnation}`)
    clock.run(0)
    expect(stale).toEqual([`${address}#${incarnation} stale`])
  })

  test('of nobody says so, and after it was given up says nothing', () => {
    const { kernel, clock } = world()
    const told = downs(kernel, 'nobody')
    const cancel = kernel.watch('nobody', () => told.push('late'))
    cancel()
    clock.run(0)
    expect(told).toEqual(['nobody noactor'])
  })

  test('given twice by one function is two', () => {
    const { kernel } = world()
    run(kernel, 'x', countingMachine)
    const told: string[] = []
    const down = ({ reason }: Down): void => void told.push(reason)
    const cancel = kernel.watch('x', down)
    kernel.watch('x', down)
    cancel()
    cancel()
    kernel.tell('x', { type: 'end' })
    expect(told).toEqual(['done'])
  })
})

describe('a machine that watches', () => {
  const watcher = setup({
    types: {
      context: {} as { seen: string[] },
      events: {} as { type: 'watch' | 'unwatch'; of: string } | { type: 'brume.down'; reason: string }
    }
  }).createMachine({
    context: { seen: [] },
    on: {
      watch: { actions: watch(({ event }) => (event.type === 'watch' ? event.of : '')) },
      unwatch: { actions: unwatch(({ event }) => (event.type === 'unwatch' ? event.of : '')) },
      'brume.down': { actions: assign({ seen: ({ context, event }) => [...context.seen, event.reason] }) }
    }
  })
  const address = async (kernel: ReturnType<typeof world>['kernel'], path: string): Promise<string> =>
    (await kernel.snapshot(path)).address

  test('is told by brume.down, past the bound of its mailbox', async () => {
    const { kernel } = world()
    run(kernel, 'x', countingMachine)
    run(kernel, 'w', watcher)
    kernel.tell('w', { type: 'watch', of: await address(kernel, 'x') })
    kernel.tell('x', { type: 'end' })
    expect(await kernel.snapshot('w')).toMatchObject({ context: { seen: ['done'] } })
  })

  test('until it watches no more, or ends', async () => {
    const { kernel } = world()
    run(kernel, 'x', countingMachine)
    run(kernel, 'w', watcher)
    const of = await address(kernel, 'x')
    kernel.tell('w', { type: 'watch', of })
    kernel.tell('w', { type: 'unwatch', of })
    kernel.tell('x', { type: 'end' })
    expect(await kernel.snapshot('w')).toMatchObject({ context: { seen: [] } })
  })

  test('nobody outside can say it', () => {
    const { kernel } = world()
    run(kernel, 'w', watcher)
    expect(kernel.tell('w', { type: 'brume.down', reason: 'done' })).toBe('invalid')
  })

  test('goes on watching after a restart of the peer', async () => {
    const store = memoryStore()
    const first = world({ store })
    await first.kernel.start()
    run(first.kernel, 'x', countingMachine)
    run(first.kernel, 'w', watcher)
    await first.kernel.submit('w', { type: 'watch', of: await address(first.kernel, 'x') })
    await first.kernel.stop()

    const { kernel } = world({ store })
    await kernel.start()
    run(kernel, 'x', countingMachine)
    run(kernel, 'w', watcher)
    await kernel.stopActor('x')
    expect(await kernel.snapshot('w')).toMatchObject({ context: { seen: ['stopped'] } })
    await kernel.stop()
  })
})
