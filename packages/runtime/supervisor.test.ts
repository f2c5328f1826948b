import { describe, expect, test } from 'vitest'
import { assign, createMachine, fromCallback, fromPromise, sendTo, setup } from 'xstate'
import { boom, counter, world } from './fixture.ts'
import { type Failure, type Kernel, RuntimeError } from './index.ts'

describe('failures', () => {
  const throwing = {
    'an action': createMachine({ on: { fail: { actions: boom } } }),
    'a guard': createMachine({ on: { fail: { guard: boom, actions: () => {} } } }),
    'an assign': createMachine({ context: {}, on: { fail: { actions: assign(boom) } } }),
    'an entry action': createMachine({ initial: 'a', states: { a: { on: { fail: 'b' } }, b: { entry: boom } } }),
    'a child': createMachine({
      initial: 'a',
      states: { a: { on: { fail: 'b' } }, b: { invoke: { src: createMachine({ context: boom }) } } }
    }),
    'a callback': createMachine({
      initial: 'a',
      states: { a: { on: { fail: 'b' } }, b: { invoke: { src: fromCallback(boom) } } }
    })
  }

  test.each(Object.entries(throwing))('a throw in %s restarts the actor after 200 ms', (_where, machine) => {
    const { kernel, clock } = world()
    const failures: Failure[] = []
    const ref = kernel.spawn('x', machine, { onFailed: (failure) => failures.push(failure) })
    ref.send({ type: 'fail' })
    expect(ref.status()).toBe('backoff')
    expect(failures).toMatchObject([
      { path: 'x', error: { message: expect.stringMatching(/boom$/) }, restartInMs: 200 }
    ])
    clock.advance(199)
    expect(ref.status()).toBe('backoff')
    clock.advance(1)
    expect(ref.status()).toBe('active')
  })

  test('a rejected promise is a failure, not an unhandled rejection', async () => {
    const { kernel } = world()
    const asks = createMachine({ invoke: { src: fromPromise(() => Promise.reject(new Error('no answer'))) } })
    const failed = new Promise<Failure>((resolve) => {
      kernel.spawn('asks', asks, { strategy: 'stop', onFailed: resolve })
    })
    expect(await failed).toMatchObject({ error: { message: 'no answer' }, restartInMs: undefined })
    expect(kernel.cells()).toMatchObject([{ path: 'asks', status: 'stopped' }])
  })

  test('a bare promise that rejects, and a context factory that throws, too', async () => {
    const { kernel, escalated } = world()
    const failed = new Promise<Failure>((resolve) => {
      kernel.spawn(
        'p',
        fromPromise(() => Promise.reject(new Error('late'))),
        { strategy: 'escalate', onFailed: resolve }
      )
    })
    await failed
    kernel.spawn('q', createMachine({ context: boom }), { strategy: 'escalate' })
    expect(escalated).toMatchObject([
      { path: 'p', error: { message: 'late' } },
      { path: 'q', error: { message: 'boom' } }
    ])
  })

  test('an async action that rejects is a failure too, here and in a child', async () => {
    const { kernel } = world()
    const rejects = createMachine({ entry: () => Promise.reject(new Error('async')) })
    const parent = createMachine({ invoke: { src: rejects } })
    for (const [path, machine] of Object.entries({ own: rejects, child: parent })) {
      const failed = new Promise<Failure>((resolve) => {
        kernel.spawn(path, machine, { strategy: 'stop', onFailed: resolve })
      })
      expect(await failed).toMatchObject({ path, error: { message: 'async' } })
    }
  })

  test('a restart starts from the original input and keeps the mailbox', () => {
    const { kernel, clock } = world()
    const machine = setup({ types: { context: {} as { n: number }, input: {} as { from: number } } }).createMachine({
      context: ({ input }) => ({ n: input.from }),
      on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) }, fail: { actions: boom } }
    })
    const ref = kernel.spawn('n', machine, { input: { from: 10 } })
    for (const type of ['add', 'fail', 'add', 'add']) ref.send({ type })
    expect(kernel.cells()).toMatchObject([{ status: 'backoff', waiting: 2 }])
    clock.advance(200)
    expect(ref.snapshot().context.n).toBe(12)
    expect(kernel.cells()).toMatchObject([{ status: 'active', waiting: 0, restarts: 1 }])
  })

  test('the sixth within a minute is escalated', () => {
    const { kernel, clock, escalated } = world()
    const ref = kernel.spawn('counter', counter)
    const waits: number[] = []
    for (let i = 0; i < 5; i++) {
      ref.send({ type: 'fail' })
      const fromMs = clock.now()
      while (ref.status() === 'backoff') clock.advance(1)
      waits.push(clock.now() - fromMs)
    }
    expect(waits).toEqual([200, 400, 800, 1_600, 3_200])
    ref.send({ type: 'fail' })
    expect(ref.status()).toBe('failed')
    expect(escalated).toMatchObject([{ path: 'counter', error: { message: 'boom' } }])
    expect(clock.pending).toBe(0)
  })

  test('stop what the actor had started, also below a child that failed itself', () => {
    const { kernel } = world()
    const open = new Set<string>()
    const holds = (name: string) =>
      fromCallback(() => {
        open.add(name)
        return () => void open.delete(name)
      })
    const child = createMachine({ invoke: { src: holds('grandchild') }, on: { fail: { actions: boom } } })
    const parent = createMachine({
      invoke: [
        { src: holds('child'), id: 'holder' },
        { src: child, id: 'machine', onError: { actions: () => {} } }
      ],
      on: { 'fail.child': { actions: sendTo('machine', { type: 'fail' }) }, 'fail.self': { actions: boom } }
    })
    const ref = kernel.spawn('p', parent)
    expect([...open]).toEqual(['child', 'grandchild'])
    ref.send({ type: 'fail.child' })
    expect([...open]).toEqual(['child'])
    expect(ref.status()).toBe('active')
    ref.send({ type: 'fail.self' })
    expect([...open]).toEqual([])
  })

  test('of callbacks are logged and harm nobody', () => {
    const { kernel, clock, lines } = world()
    kernel.watch('x', boom)
    const ref = kernel.spawn('x', counter, { onFailed: boom })
    ref.send({ type: 'fail' })
    clock.advance(200)
    expect(ref.status()).toBe('active')
    expect(lines.filter((line) => line.includes('callback'))).toHaveLength(6)
  })
})

describe('families', () => {
  test('escalate below restart restarts all, in order of spawn', () => {
    const { kernel, clock } = world()
    const order: string[] = []
    for (const path of ['net', 'net/links', 'net/links/probe', 'net/topics', 'store']) {
      kernel.watch(path, ({ status }) => order.push(`${path} ${status}`))
    }
    const net = kernel.spawn('net', counter)
    const links = kernel.spawn('net/links', counter, { strategy: 'escalate' })
    const probe = kernel.spawn('net/links/probe', counter)
    kernel.spawn('net/topics', counter)
    kernel.spawn('store', counter)
    order.length = 0
    probe.send({ type: 'add' })
    links.send({ type: 'fail' })
    expect(order).toEqual([
      'net/links/probe backoff',
      'net/links failed',
      'net/topics backoff',
      'net/links backoff',
      'net backoff'
    ])
    order.length = 0
    clock.advance(200)
    expect(order.filter((line) => line.endsWith(' active'))).toEqual([
      'net active',
      'net/links active',
      'net/links/probe active',
      'net/topics active'
    ])
    expect([net, links, probe].map((ref) => ref.status())).toEqual(['active', 'active', 'active'])
    expect(probe.snapshot().context.n).toBe(0)
  })

  test('a child that keeps failing takes the parent along, and then the root callback is told', () => {
    const { kernel, clock, escalated } = world()
    const parent = kernel.spawn('p', counter)
    const child = kernel.spawn('p/c', counter, { strategy: 'escalate' })
    for (let i = 0; i < 6; i++) {
      child.send({ type: 'fail' })
      clock.advance(5_000)
    }
    expect([parent.status(), child.status()]).toEqual(['failed', 'stopped'])
    expect(escalated).toMatchObject([
      { path: 'p', error: { code: 'BRUME_RUNTIME_CHILD_FAILED', cause: { message: 'boom' } } }
    ])
    expect(clock.pending).toBe(0)
  })

  test('a child spawned while its parent waits starts with it', () => {
    const { kernel, clock } = world()
    kernel.spawn('p', counter).send({ type: 'fail' })
    const child = kernel.spawn('p/c', counter)
    expect(child.status()).toBe('backoff')
    clock.advance(200)
    expect(child.status()).toBe('active')
  })

  test('stop ends those below first; the kernel ends all in reverse order', () => {
    const { kernel, clock } = world()
    const ended: string[] = []
    for (const path of ['a', 'b', 'b/x', 'b/y', 'c']) {
      kernel.spawn(path, counter)
      kernel.watch(path, () => ended.push(path))
    }
    kernel.spawn('d', counter).send({ type: 'fail' })
    const b = kernel.cells().find(({ path }) => path === 'b')
    expect(b?.status).toBe('active')
    kernel.stop()
    kernel.stop()
    expect(ended).toEqual(['c', 'b/y', 'b/x', 'b', 'a'])
    expect(clock.pending).toBe(0)
    expect(() => kernel.spawn('e', counter)).toThrow(RuntimeError)
  })
})

describe('ends', () => {
  const family = (kernel: Kernel): string[] => {
    const ended: string[] = []
    for (const path of ['b/x', 'b/x/1', 'b/y']) {
      kernel.spawn(path, counter)
      kernel.watch(path, ({ status }) => ended.push(`${path} ${status}`))
    }
    kernel.watch('b', ({ status }) => ended.push(`b ${status}`))
    return ended
  }
  const below = ['b/y stopped', 'b/x/1 stopped', 'b/x stopped']

  test('of an actor end those below it, last first', () => {
    const { kernel } = world()
    const b = kernel.spawn('b', counter)
    const ended = family(kernel)
    b.stop()
    expect(ended).toEqual([...below, 'b stopped'])
  })

  test('by a final state do as well', () => {
    const { kernel } = world()
    const b = kernel.spawn('b', counter)
    const ended = family(kernel)
    b.send({ type: 'end' })
    expect(ended).toEqual([...below, 'b done'])
  })

  test('by strategy stop do as well', () => {
    const { kernel, clock } = world()
    const b = kernel.spawn('b', counter, { strategy: 'stop' })
    const ended = family(kernel)
    b.send({ type: 'fail' })
    expect(ended.slice(-4)).toEqual([...below, 'b stopped'])
    expect(clock.pending).toBe(0)
  })

  test('stay when the actor above restarts', () => {
    const { kernel, clock } = world()
    const b = kernel.spawn('b', counter)
    const before = kernel.spawn('b/before', counter)
    const meanwhile = kernel.spawn('b/meanwhile', counter)
    before.stop()
    b.send({ type: 'fail' })
    meanwhile.stop()
    clock.advance(200)
    expect([b, before, meanwhile].map((ref) => ref.status())).toEqual(['active', 'stopped', 'stopped'])
  })

  test('of an incarnation are the end of its say: what it still reports harms no successor', async () => {
    const { kernel, clock } = world()
    const late = Promise.withResolvers<void>()
    const ref = kernel.spawn(
      'slow',
      createMachine({ on: { wait: { actions: () => late.promise }, fail: { actions: boom } } })
    )
    ref.send({ type: 'wait' })
    ref.send({ type: 'fail' })
    clock.advance(200)
    late.reject(new Error('late'))
    await late.promise.catch(() => {})
    expect(ref.status()).toBe('active')
  })
})
