import { memoryStore, settle } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { assign, createMachine, emit, fromPromise, sendTo, setup } from 'xstate'
import { remote } from '../logic/index.ts'
import { xstate5 } from '../logic/xstate5/index.ts'
import { boom, run, SELF, statusAt, type World, world } from './fixture.ts'
import type { EffectRun, Kind } from './index.ts'

const shop = createMachine({ on: { pay: { actions: { type: 'pay', params: ({ event }) => ({ sum: event.sum }) } } } })

/** A shop whose payments wait until they are told what became of them. */
function payments({ kernel }: World) {
  const runs: (EffectRun & { readonly settle: PromiseWithResolvers<null> })[] = []
  const pay = (effect: EffectRun): Promise<null> => {
    const entry = { ...effect, settle: Promise.withResolvers<null>() }
    runs.push(entry)
    return entry.settle.promise
  }
  const kind: Kind = { name: 'shop', version: 1, logic: xstate5(shop), effects: { pay } }
  kernel.register(kind)
  return runs
}

describe('a function as an action of one on disk', () => {
  test.each([
    [
      'where it stands',
      createMachine({ on: { go: { actions: () => {} } } }),
      /^x is kept on disk, and one of its actions \(/
    ],
    [
      'by its name',
      setup({ actions: { pay: () => {} } }).createMachine({ on: { go: { actions: 'pay' } } }),
      /its action pay is/
    ]
  ])('is refused, as its writer knows it: %s', async (_, machine, said) => {
    const { kernel } = world({ store: memoryStore() })
    await kernel.start()
    run(kernel, 'x', machine)
    await expect(kernel.submit('x', { type: 'go' })).rejects.toMatchObject({ code: 'BRUME_RUNTIME_FAILED' })
    expect((await kernel.snapshot('x')).failure).toMatch(said)
  })
})

describe('a custom action by name', () => {
  test('is tried three times under one id, and then its actor fails', async () => {
    const all = world()
    const runs = payments(all)
    all.kernel.spawn('shop', 'shop')
    all.kernel.tell('shop', { type: 'pay', sum: 5 })
    for (const waitMs of [240, 480, 0]) {
      runs.at(-1)?.settle.reject(new Error('no'))
      await settle()
      all.clock.run(waitMs)
      await settle()
    }
    expect(runs.map(({ params }) => params)).toEqual(Array(3).fill({ sum: 5 }))
    expect(new Set(runs.map(({ id }) => id)).size).toBe(1)
    expect(runs[0]?.id).toMatch(/^brume:\/\/.*\/shop#\d+\/1\/0$/)
    expect(statusAt(all.kernel, 'shop')).toBe('backoff')
  })

  test('runs 64 at once in a kernel; the others when these are over', async () => {
    const all = world()
    const runs = payments(all)
    for (const path of ['a', 'b']) all.kernel.spawn(path, 'shop')
    for (let i = 0; i < 50; i++) for (const path of ['a', 'b']) all.kernel.tell(path, { type: 'pay', sum: i })
    expect(runs).toHaveLength(64)
    for (const { settle: over } of runs.slice(0, 10)) over.resolve(null)
    await settle()
    expect(runs).toHaveLength(74)
    await all.kernel.stopActor('a')
    await settle()
    expect(runs.filter(({ signal }) => signal.aborted).length).toBeGreaterThan(20)
    expect(runs.filter(({ id }) => id.includes('/b#'))).toHaveLength(50)
  })

  test('takes 60 s at most, then it is aborted and tried again', async () => {
    const all = world()
    const runs = payments(all)
    all.kernel.spawn('shop', 'shop')
    all.kernel.tell('shop', { type: 'pay', sum: 5 })
    all.clock.run(60_000)
    await settle()
    expect(runs[0]?.signal.aborted).toBe(true)
    all.clock.run(240)
    expect(runs).toHaveLength(2)
  })

  test('that nobody implements, or a function on disk, fails the step as a whole', async () => {
    const all = world({ store: memoryStore() })
    await all.kernel.start()
    const both = createMachine({
      context: { n: 0 },
      on: {
        named: {
          actions: [assign({ n: 1 }), sendTo(() => remote(`brume://${SELF}/x`), { type: 'sent' }), { type: 'pay' }]
        },
        inline: { actions: [assign({ n: 2 }), boom] }
      }
    })
    run(all.kernel, 'x', both)
    for (const type of ['named', 'inline']) {
      await expect(all.kernel.submit('x', { type })).rejects.toMatchObject({ code: 'BRUME_RUNTIME_FAILED' })
    }
    expect(await all.kernel.snapshot('x')).toMatchObject({ context: { n: 0 }, seq: 0 })
  })
})

describe('what an actor on disk does', () => {
  const told = setup({
    types: { context: {} as { n: number }, emitted: {} as { type: 'counted'; n: number } },
    actors: { work: fromPromise(() => Promise.resolve('done')) }
  }).createMachine({
    context: { n: 0 },
    on: {
      add: {
        actions: [
          assign({ n: ({ context }) => context.n + 1 }),
          emit(({ context }) => ({ type: 'counted', n: context.n })),
          sendTo(() => remote(`brume://${SELF}/volatile`), { type: 'seen' })
        ]
      }
    }
  })

  test('is seen only when its batch is on disk, also by way of an actor in memory', async () => {
    const { kernel } = world({ store: memoryStore() })
    await kernel.start()
    const seen: string[] = []
    run(kernel, 'volatile', createMachine({ on: { seen: { actions: () => void seen.push('inline') } } }), {
      durability: 'memory'
    })
    run(kernel, 'c', told)
    await settle()
    kernel.on('c', 'counted', ({ n }) => seen.push(`emitted ${n}`))
    kernel.follow('c', ({ seq }) => seen.push(`followed ${seq}`))
    kernel.tell('c', { type: 'add' })
    const read = kernel.snapshot('c').then(() => seen.push('read'))
    expect(kernel.actors().map(({ seq }) => seq)).toEqual([1, 1])
    expect(seen).toEqual([])
    await settle()
    await read
    expect(seen.toSorted()).toEqual(['emitted 1', 'followed 1', 'inline', 'read'])
  })

  test('never leaves where the disk fails; that is the end', async () => {
    const store = memoryStore()
    const fatal: Error[] = []
    const { kernel } = world({ store, onFatal: (error) => fatal.push(error) })
    await kernel.start()
    run(kernel, 'c', told)
    await settle()
    store.batch = () => Promise.reject(new Error('the disk is gone'))
    const seen: unknown[] = []
    kernel.on('c', '*', (event) => seen.push(event))
    const submit = kernel.submit('c', { type: 'add' })
    submit.then(
      () => seen.push('resolved'),
      () => undefined
    )
    await settle()
    expect(fatal).toMatchObject([{ message: 'the disk is gone' }])
    expect(seen).toEqual([])
  })
})
