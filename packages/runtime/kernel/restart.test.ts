import { memoryStore, settle } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { assign, createMachine, sendTo, setup } from 'xstate'
import { remote } from '../logic/index.ts'
import { boom, counter, countingMachine, lettersOf, life, light, run, SELF } from './fixture.ts'
import type { Down, EffectRun, Inbound, Kernel, Outbound, Remote, SpawnOptions } from './index.ts'

describe('an actor on disk', () => {
  test('goes on where it stopped, in the same incarnation', async () => {
    const store = memoryStore()
    const first = await life(store)
    first.kernel.register(counter)
    first.kernel.spawn('c', 'counter', { input: 3 })
    expect(await first.kernel.submit('c', { type: 'add' })).toEqual({ seq: 1 })
    const { incarnation } = await first.kernel.snapshot('c')
    await first.kernel.stop()

    const { kernel } = await life(store)
    expect(kernel.tell('c', { type: 'add' })).toBe('unmigrated')
    kernel.register(counter)
    expect(await kernel.ask('c', { type: 'get' })).toBe(4)
    expect(await kernel.snapshot('c')).toMatchObject({ incarnation, seq: 2, context: { n: 4 } })
  })

  test('has its timers, which fire at their time', async () => {
    const store = memoryStore()
    const first = await life(store)
    run(first.kernel, 'light', light)
    first.clock.run(4_000)
    await first.kernel.stop()

    // The clock of a world begins anew: the deadline lies where the first one put it.
    const { kernel, clock } = await life(store)
    kernel.register({ name: 'light', version: 1, logic: (await import('../logic/xstate5/index.ts')).xstate5(light) })
    await settle()
    clock.run(9_999)
    expect(await kernel.snapshot('light')).toMatchObject({ value: 'red' })
    clock.run(1)
    await settle()
    expect(await kernel.snapshot('light')).toMatchObject({ value: 'green' })
  })

  test('has its children, which answer it', async () => {
    const store = memoryStore()
    const parent = setup({ actors: { child: countingMachine } }).createMachine({
      invoke: { id: 'child', src: 'child' },
      on: { go: { actions: sendTo('child', { type: 'add' }) } }
    })
    const first = await life(store)
    run(first.kernel, 'p', parent)
    await first.kernel.submit('p', { type: 'go' })
    await first.kernel.stop()

    const { kernel } = await life(store)
    run(kernel, 'p', parent)
    await kernel.submit('p', { type: 'go' })
    expect(await kernel.snapshot('p/child')).toMatchObject({ context: { n: 2 } })
    await kernel.stopActor('p')
    await expect(kernel.snapshot('p/child')).resolves.toMatchObject({ cell: 'stopped' })
    await kernel.stop()
    const last = await life(store)
    run(last.kernel, 'other', parent)
    await expect(last.kernel.snapshot('p/child')).rejects.toMatchObject({ code: 'BRUME_RUNTIME_NOACTOR' })
  })

  test('that failed stays failed, and is resurrected with its state and its timers', async () => {
    const store = memoryStore()
    const machine = setup({ types: { context: {} as { n: number } } }).createMachine({
      context: { n: 0 },
      initial: 'red',
      on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) }, fail: { actions: assign(boom) } },
      states: { red: { after: { 10000: 'green' } }, green: {} }
    })
    const first = await life(store)
    run(first.kernel, 'x', machine, { supervise: { strategy: 'resume', max: 1 } })
    for (const type of ['add', 'fail', 'fail']) first.kernel.tell('x', { type })
    await first.kernel.stop()

    const { kernel, clock } = await life(store)
    run(kernel, 'x', machine)
    expect(kernel.tell('x', { type: 'add' })).toBe('failed')
    expect(kernel.actors()).toMatchObject([{ status: 'failed', restarts: 1, failure: 'Error: boom' }])
    expect(await kernel.snapshot('x')).toMatchObject({ cell: 'failed', failure: 'Error: boom' })
    await expect(kernel.submit('x', { type: 'add' })).rejects.toMatchObject({
      code: 'BRUME_RUNTIME_FAILED',
      message: expect.stringMatching(/resurrected \(Error: boom\)$/)
    })
    await kernel.resurrect('x')
    expect(kernel.actors()[0]).not.toHaveProperty('failure')
    expect(await kernel.snapshot('x')).toMatchObject({ context: { n: 1 }, value: 'red', cell: 'active' })
    clock.run(10_000)
    await settle()
    expect(await kernel.snapshot('x')).toMatchObject({ value: 'green' })
  })

  test('that failed in its first step stays failed too', async () => {
    const store = memoryStore()
    const first = await life(store)
    run(first.kernel, 'x', setup({}).createMachine({ context: boom }), { supervise: { strategy: 'escalate' } })
    await settle()
    await first.kernel.stop()

    const { kernel } = await life(store)
    run(kernel, 'x', setup({}).createMachine({}))
    expect(await kernel.snapshot('x')).toMatchObject({ cell: 'failed' })
    await kernel.resurrect('x')
    expect(await kernel.submit('x', { type: 'any' })).toEqual({ seq: 1 })
  })

  test('says of a failure what a terminal may show', async () => {
    const { kernel } = await life(memoryStore())
    const said = `\u001b[2J${'x'.repeat(1_000)}`
    const fail = (): never => {
      throw new Error(said)
    }
    run(kernel, 'x', setup({}).createMachine({ on: { fail: { actions: assign(fail) } } }))
    await expect(kernel.submit('x', { type: 'fail' })).rejects.toMatchObject({ code: 'BRUME_RUNTIME_FAILED' })
    const { failure = '' } = await kernel.snapshot('x')
    expect(failure).toMatch(/^Error: {1,2}\[2Jx+$/)
    expect(failure.length).toBe(300)
  })

  test('that stopped is gone, and one that is done stays to be read', async () => {
    const store = memoryStore()
    const first = await life(store)
    for (const path of ['done', 'stopped']) run(first.kernel, path, countingMachine)
    await first.kernel.submit('done', { type: 'end' })
    await first.kernel.stopActor('stopped')
    await first.kernel.stop()

    const { kernel } = await life(store)
    for (const path of ['done', 'stopped']) kernel.register({ ...counter, name: path })
    await expect(kernel.snapshot('stopped')).rejects.toMatchObject({ code: 'BRUME_RUNTIME_NOACTOR' })
    expect(kernel.tell('done', { type: 'add' })).not.toBe('accepted')
  })

  test('runs its effects again after a kill, with the same id, and stops them with the actor', async () => {
    const store = memoryStore()
    const machine = createMachine({ on: { pay: { actions: { type: 'pay', params: { sum: 5 } } } } })
    const runs: EffectRun[] = []
    const kind = {
      name: 'shop',
      version: 1,
      logic: (await import('../logic/xstate5/index.ts')).xstate5(machine),
      effects: {
        pay: (effect: EffectRun) => {
          runs.push(effect)
          return new Promise<null>(() => {})
        }
      }
    }
    const first = await life(store)
    first.kernel.register(kind)
    first.kernel.spawn('shop', 'shop')
    await first.kernel.submit('shop', { type: 'pay' })
    await first.kernel.stop()
    expect(runs[0]?.signal.aborted).toBe(true)

    const { kernel } = await life(store)
    kernel.register(kind)
    await settle()
    expect(runs.map(({ id, params }) => [id, params])).toEqual([
      [runs[0]?.id, { sum: 5 }],
      [runs[0]?.id, { sum: 5 }]
    ])
    await kernel.stopActor('shop')
    expect(runs[1]?.signal.aborted).toBe(true)
    await kernel.stop()
    const last = await life(store)
    last.kernel.register(kind)
    await settle()
    expect(runs).toHaveLength(2)
  })
})

const OTHER = '12D3KooWGatU9DDEbVY9iW6r8hw9FWoQRdHHvzuw3hTEAmzQtsCY'

/** A way to other peers that keeps what goes there. */
function wire() {
  const sent: Outbound[] = []
  const nothing = (): never => {
    throw new Error('not used here')
  }
  const remote: Remote = {
    send: (message) => {
      sent.push(message)
      return 'accepted'
    },
    watch: (_target, _down: (down: Down) => void) => () => {},
    snapshot: nothing,
    subscribe: nothing,
    follow: nothing,
    history: nothing,
    command: nothing
  }
  return { sent, remote }
}

const forwards = setup({ types: { context: {} as { n: number } } }).createMachine({
  context: { n: 0 },
  on: {
    go: {
      actions: [
        assign({ n: ({ context }) => context.n + 1 }),
        sendTo(
          () => remote(`brume://${OTHER}/to`),
          ({ context }) => ({ type: 'hi', n: context.n })
        )
      ]
    }
  }
})

describe('what a durable actor sends', () => {
  test('leaves after its batch, in order, and is sent again after a restart until it is confirmed', async () => {
    const store = memoryStore()
    const before = wire()
    const first = await life(store, before)
    run(first.kernel, 'from', forwards)
    first.kernel.tell('from', { type: 'go' })
    first.kernel.tell('from', { type: 'go' })
    expect(before.sent).toEqual([])
    await first.kernel.submit('from', { type: 'go' })
    expect(before.sent.map(({ event, durable }) => [event.n, durable])).toEqual([
      [1, { seq: 1, prev: 0 }],
      [2, { seq: 2, prev: 1 }],
      [3, { seq: 3, prev: 2 }]
    ])
    before.sent[0]?.committed?.()
    await first.kernel.submit('from', { type: 'nothing' })
    await first.kernel.stop()

    const after = wire()
    const { kernel } = await life(store, after)
    expect(after.sent.map(({ event, durable }) => [event.n, durable])).toEqual([
      [2, { seq: 2, prev: 1 }],
      [3, { seq: 3, prev: 2 }]
    ])
    expect(after.sent[0]?.incarnation).toBe(before.sent[0]?.incarnation)
    after.sent[1]?.refused?.('noactor')
    expect(await lettersOf(kernel)).toMatchObject([{ reason: 'noactor', event: { n: 3 } }])
  })
})

const encoder = async (event: object) => (await import('@brume/codec')).encode(event as never)

async function inbound(to: string, seq: number, prev: number, more: Partial<Inbound> = {}): Promise<Inbound> {
  return {
    ...{ peer: OTHER, from: `brume://${OTHER}/from#7`, to: `brume://${SELF}/${to}`, ask: false, key: null },
    ...{ event: await encoder({ type: 'add' }), durable: { seq, prev }, ttlMs: 30_000 },
    ...more
  }
}

/** What becomes of it, as it is told. */
function told(kernel: Kernel, message: Inbound, said: string[]): void {
  const name = `${message.durable?.seq ?? 'volatile'}`
  kernel.receive(message, {
    committed: () => said.push(`${name} committed`),
    refused: (code) => said.push(`${name} ${code}`),
    replied: (value) => said.push(`${name} replied ${value}`),
    moved: (address) => said.push(`${name} moved ${address}`)
  })
}

describe('what comes from a durable actor elsewhere', () => {
  test.each<[string, SpawnOptions]>([
    ['durable', {}],
    ['volatile', { durability: 'memory' }]
  ])('is processed once and in order by a %s one', async (_what, options) => {
    const said: string[] = []
    const { kernel } = await life(memoryStore())
    run(kernel, 'c', countingMachine, options)
    for (const [seq, prev] of [
      [3, 0],
      [3, 0],
      [9, 5],
      [5, 3],
      [3, 0]
    ] as const) {
      told(kernel, await inbound('c', seq, prev), said)
    }
    await settle()
    expect(await kernel.snapshot('c')).toMatchObject({ context: { n: 2 } })
    expect(said.toSorted()).toEqual(['3 committed', '3 committed', '3 committed', '5 committed', '9 gap'])
    told(kernel, await inbound('c', 6, 0, { from: `brume://${OTHER}/from#6` }), said)
    expect(said.at(-1)).toBe('6 stale')
    told(kernel, await inbound('c', 1, 0, { from: `brume://${OTHER}/from#8` }), said)
    await settle()
    expect(said.at(-1)).toBe('1 committed')
  })

  test('is known after a restart: nothing is processed twice', async () => {
    const store = memoryStore()
    const said: string[] = []
    const first = await life(store)
    run(first.kernel, 'c', countingMachine)
    told(first.kernel, await inbound('c', 3, 0), said)
    expect(said).toEqual([])
    await settle()
    expect(said).toEqual(['3 committed'])
    await first.kernel.stop()

    const { kernel } = await life(store)
    run(kernel, 'c', countingMachine)
    told(kernel, await inbound('c', 3, 0), said)
    told(kernel, await inbound('c', 4, 3), said)
    await settle()
    expect(await kernel.snapshot('c')).toMatchObject({ context: { n: 2 } })
    expect(said).toEqual(['3 committed', '3 committed', '4 committed'])
  })

  test('with a key is answered as the first time', async () => {
    const store = memoryStore()
    const said: string[] = []
    const get = { ask: true, key: new Uint8Array(16).fill(7), durable: null, event: await encoder({ type: 'get' }) }
    const first = await life(store)
    first.kernel.register(counter)
    first.kernel.spawn('c', 'counter', { input: 3 })
    told(first.kernel, await inbound('c', 0, 0, get), said)
    await settle()
    await first.kernel.submit('c', { type: 'add' })
    await first.kernel.stop()

    const { kernel } = await life(store)
    kernel.register(counter)
    told(kernel, await inbound('c', 0, 0, get), said)
    await settle()
    expect(said.filter((line) => line.includes('replied'))).toEqual(['volatile replied 3', 'volatile replied 3'])
  })

  test('is refused by code where it is not what the actor takes, and never throws', async () => {
    const said: string[] = []
    const { kernel } = await life(memoryStore())
    run(kernel, 'c', countingMachine)
    run(kernel, 'mine', countingMachine, { allow: 'local' })
    const bad = [
      await inbound('c', 1, 0, { event: new Uint8Array([0xff]) }),
      await inbound('c', 2, 0, { event: await encoder({ type: 'xstate.stop' }) }),
      await inbound('mine', 3, 0),
      await inbound('nobody', 4, 0),
      await inbound('c', 5, 0, { to: 'brume://nonsense' }),
      await inbound('c', 6, 0, { to: `brume://${OTHER}/c` })
    ]
    for (const message of bad) told(kernel, message, said)
    expect(said).toEqual(['1 invalid', '2 invalid', '3 forbidden', '4 noactor', '5 invalid', '6 invalid'])
    expect(kernel.actors().every(({ seq }) => seq === 0)).toBe(true)
  })
})
