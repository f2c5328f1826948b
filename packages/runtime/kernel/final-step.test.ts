import { memoryStore, settle } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { emit, sendTo, setup } from 'xstate'
import { remote, reply } from '../logic/index.ts'
import { xstate5 } from '../logic/xstate5/index.ts'
import { countingMachine, run, SELF, statusAt, type World, world } from './fixture.ts'
import type { Durability, EffectRun, Kind } from './index.ts'

const order = setup({
  types: { emitted: {} as { type: 'undone' } },
  actions: { giveBack: () => undefined, pack: () => undefined }
}).createMachine({
  initial: 'open',
  states: {
    open: { on: { pack: { actions: 'pack' }, undo: 'undone' } },
    undone: {
      type: 'final',
      entry: [
        'giveBack',
        emit({ type: 'undone' }),
        sendTo(() => remote(`brume://${SELF}/stock`), { type: 'add' }),
        reply(() => 'given back')
      ]
    }
  }
})

const shop = setup({ actors: { order } }).createMachine({
  initial: 'trying',
  states: {
    trying: { invoke: { src: 'order', id: 'order', onDone: 'over' } },
    over: { on: { again: 'trying' } }
  }
})

/** Actions under way, each over when it is told so. */
type Run = EffectRun & { readonly type: string; readonly over: PromiseWithResolvers<null> }

function orders({ kernel }: World): Run[] {
  const runs: Run[] = []
  const begin = (type: string) => (effect: EffectRun) => {
    const over = Promise.withResolvers<null>()
    runs.push({ ...effect, type, over })
    return over.promise
  }
  const effects = { giveBack: begin('giveBack'), pack: begin('pack') }
  const kinds: readonly Kind[] = [
    { name: 'order', version: 1, logic: xstate5(order), effects },
    { name: 'shop', version: 1, logic: xstate5(shop), effects }
  ]
  for (const kind of kinds) kernel.register(kind)
  return runs
}

async function life(store = memoryStore()) {
  const all = world({ store })
  await all.kernel.start()
  const runs = orders(all)
  await settle()
  return { ...all, store, runs, types: () => runs.map(({ type }) => type) }
}

describe('the step that ends an actor', () => {
  test.each(['memory', 'snapshot', 'journal'] satisfies Durability[])(
    'has its action run, its event emitted, its message sent and its ask answered: %s',
    async (durability) => {
      const { kernel, runs, types } = await life()
      run(kernel, 'stock', countingMachine)
      kernel.spawn('order', 'order', { durability })
      const emitted: string[] = []
      kernel.on('order', 'undone', ({ type }) => emitted.push(type))
      kernel.tell('order', { type: 'pack' })
      expect(await kernel.ask('order', { type: 'undo' })).toBe('given back')
      await settle()
      expect(statusAt(kernel, 'order')).toBe('done')
      expect(types()).toEqual(['pack', 'giveBack'])
      expect(runs.some(({ signal }) => signal.aborted)).toBe(false)
      expect(emitted).toEqual(['undone'])
      expect(await kernel.snapshot('stock')).toMatchObject({ context: { n: 1 } })
    }
  )

  test('has its action run again after a crash, until it is over', async () => {
    const first = await life()
    first.kernel.spawn('order', 'order')
    await first.kernel.submit('order', { type: 'undo' })
    const second = await life(first.store)
    expect(second.runs).toMatchObject([{ type: 'giveBack', id: first.runs[0]?.id }])
    second.runs[0]?.over.resolve(null)
    await settle()
    expect((await life(first.store)).runs).toEqual([])
  })

  test('of a child too, also where nothing is left of the child but its tombstone', async () => {
    const first = await life()
    first.kernel.spawn('shop', 'shop')
    await settle()
    await first.kernel.submit('shop/order', { type: 'undo' })
    await settle()
    expect(await first.kernel.snapshot('shop')).toMatchObject({ value: 'over' })
    expect(first.types()).toEqual(['giveBack'])
    expect(first.runs[0]?.signal.aborted).toBe(false)
    const second = await life(first.store)
    expect(second.types()).toEqual(['giveBack'])
    second.runs[0]?.over.resolve(null)
    await settle()
    expect((await life(first.store)).runs).toEqual([])
  })

  test('keeps its action beside those of the next actor at its path', async () => {
    const first = await life()
    first.kernel.spawn('order', 'order')
    await first.kernel.submit('order', { type: 'undo' })
    first.kernel.spawn('order', 'order')
    await first.kernel.submit('order', { type: 'pack' })
    expect(first.types()).toEqual(['giveBack', 'pack'])
    expect((await life(first.store)).types()).toEqual(['giveBack', 'pack'])
  })

  test('is told of in the log where its action fails for good', async () => {
    const { kernel, clock, runs, lines } = await life()
    kernel.spawn('order', 'order')
    await kernel.submit('order', { type: 'undo' })
    for (const waitMs of [240, 480, 0]) {
      runs.at(-1)?.over.reject(new Error('no'))
      await settle()
      clock.run(waitMs)
      await settle()
    }
    expect(runs).toHaveLength(3)
    expect(lines).toContain('an action of an actor that is done failed; nobody else is told')
    expect(statusAt(kernel, 'order')).toBe('done')
  })
})

describe('what an actor had going', () => {
  test.each(['memory', 'snapshot'] satisfies Durability[])(
    'ends where it is stopped, once it is done too: %s',
    async (durability) => {
      const { kernel, runs, store } = await life()
      kernel.spawn('order', 'order', { durability })
      await kernel.submit('order', { type: 'pack' })
      await kernel.stopActor('order')
      kernel.spawn('order', 'order', { durability })
      await kernel.submit('order', { type: 'undo' })
      await kernel.stopActor('order')
      await settle()
      expect(runs.map(({ type, signal }) => [type, signal.aborted])).toEqual([
        ['pack', true],
        ['giveBack', true]
      ])
      expect((await life(store)).runs).toEqual([])
    }
  )

  test('is let go of with the kernel, and goes on with the next', async () => {
    const { kernel, runs, store } = await life()
    kernel.spawn('order', 'order')
    kernel.spawn('shop', 'shop')
    await kernel.submit('order', { type: 'undo' })
    await kernel.submit('shop/order', { type: 'undo' })
    await kernel.stop()
    expect(runs.map(({ signal }) => signal.aborted)).toEqual([true, true])
    expect((await life(store)).types()).toEqual(['giveBack', 'giveBack'])
  })
})
