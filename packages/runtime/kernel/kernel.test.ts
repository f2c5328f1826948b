import { describe, expect, test } from 'vitest'
import { createMachine, fromCallback, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate'
import { boom, counter, countingMachine, lettersOf, run, SELF, statusAt, world } from './fixture.ts'

const here = (path: string): string => `brume://${SELF}/${path}`

describe('a running actor', () => {
  test('handles an event before tell returns, answers asks, and shows its snapshot', async () => {
    const { kernel } = world()
    kernel.register(counter)
    expect(kernel.spawn('counter', 'counter', { input: 5 })).toEqual({ address: here('counter') })
    expect(kernel.tell('counter', { type: 'add' })).toBe('accepted')
    expect(await kernel.ask(here('counter'), { type: 'get' })).toBe(6)
    expect(await kernel.submit('counter', { type: 'add' })).toEqual({ seq: 3 })
    expect(await kernel.snapshot('counter')).toMatchObject({ context: { n: 7 }, seq: 3, cell: 'active' })
  })

  test('gets its time from the Clock port, and leaves no timer behind', async () => {
    const { kernel, clock } = world()
    const light = createMachine({
      initial: 'red',
      states: { red: { after: { 1000: 'green' } }, green: { after: { 500: 'red' } } }
    })
    run(kernel, 'light', light)
    clock.run(999)
    expect(await kernel.snapshot('light')).toMatchObject({ value: 'red' })
    clock.run(1)
    expect(await kernel.snapshot('light')).toMatchObject({ value: 'green' })
    await kernel.stopActor('light')
    expect(clock.size).toBe(0)
  })

  test('that finishes is done, its path free', async () => {
    const { kernel } = world()
    kernel.register(counter)
    kernel.spawn('counter', 'counter')
    const told: unknown[] = []
    kernel.watch('counter', ({ reason, output }) => told.push([reason, output]))
    kernel.tell('counter', { type: 'end' })
    expect(kernel.tell('counter', { type: 'add' })).toBe('stopped')
    expect(told).toEqual([['done', { n: 0, over: true }]])
    kernel.spawn('counter', 'counter')
    expect(await kernel.snapshot('counter', 'final')).toMatchObject({ seq: 0, cell: 'active' })
  })

  test('is not entered twice: events sent from within arrive later and in order', () => {
    const { kernel } = world()
    const order: string[] = []
    const step = (name: string, then?: () => void) => () => {
      order.push(`${name}-in`)
      then?.()
      order.push(`${name}-out`)
    }
    const a = createMachine({
      on: {
        ping: { actions: step('a', () => void kernel.tell('b', { type: 'pong' })) },
        back: { actions: step('back') }
      }
    })
    const b = createMachine({ on: { pong: { actions: step('b', () => void kernel.tell('a', { type: 'back' })) } } })
    run(kernel, 'b', b)
    run(kernel, 'a', a)
    kernel.tell('a', { type: 'ping' })
    expect(order).toEqual(['a-in', 'a-out', 'b-in', 'b-out', 'back-in', 'back-out'])
  })

  test('is not entered by an actor that it spawned either', () => {
    const { kernel } = world()
    const order: string[] = []
    const child = createMachine({ on: { hello: { actions: () => void order.push('child') } } })
    const go = (): void => {
      run(kernel, 'p/c', child)
      kernel.tell('p/c', { type: 'hello' })
      order.push('parent')
    }
    run(kernel, 'p', createMachine({ on: { go: { actions: go } } }))
    kernel.tell('p', { type: 'go' })
    expect(order).toEqual(['parent', 'child'])
  })

  test('that keeps itself busy for ever lets others and the event loop in', async () => {
    const { kernel, clock } = world()
    let turns = 0
    const go = (): void => {
      turns += 1
      kernel.tell('busy', { type: 'go' })
    }
    run(kernel, 'busy', createMachine({ on: { go: { actions: go } } }))
    kernel.tell('busy', { type: 'go' })
    expect(turns).toBe(4_096)
    run(kernel, 'counter', countingMachine)
    expect(kernel.tell('counter', { type: 'add' })).toBe('accepted')
    await kernel.stopActor('busy')
    clock.run(0)
    expect(await kernel.snapshot('counter')).toMatchObject({ context: { n: 1 } })
  })

  test('shares turns: 64 events, then the next', async () => {
    const { kernel } = world()
    const order: string[] = []
    for (const path of ['a', 'b']) {
      run(kernel, path, createMachine({ on: { go: { actions: () => void order.push(path) } } }))
    }
    const both = (): void => {
      for (const path of ['a', 'b']) for (let i = 0; i < 100; i++) kernel.tell(path, { type: 'go' })
    }
    run(kernel, 'starter', createMachine({ on: { go: { actions: both } } }))
    kernel.tell('starter', { type: 'go' })
    expect(order).toEqual([
      ...Array(64).fill('a'),
      ...Array(64).fill('b'),
      ...Array(36).fill('a'),
      ...Array(36).fill('b')
    ])
  })
})

describe('asks', () => {
  test('nobody answers end by their time, those of a stopped actor at once', async () => {
    const { kernel, clock } = world()
    run(kernel, 'mute', countingMachine)
    const ask = kernel.ask('mute', { type: 'add' })
    clock.run(4_999)
    const early = await Promise.race([ask.catch(() => 'over'), Promise.resolve('waits')])
    expect(early).toBe('waits')
    clock.run(1)
    await expect(ask).rejects.toMatchObject({ code: 'BRUME_RUNTIME_TIMEOUT' })
    await expect(kernel.ask('nobody', { type: 'add' })).rejects.toMatchObject({ code: 'BRUME_RUNTIME_NOACTOR' })
    expect(clock.size).toBe(0)
  })

  test('the caller gives up leave nothing', async () => {
    const { kernel, clock } = world()
    run(kernel, 'mute', countingMachine)
    const giveUp = new AbortController()
    const ask = kernel.ask('mute', { type: 'add' }, { signal: giveUp.signal })
    giveUp.abort()
    await expect(ask).rejects.toMatchObject({ code: 'BRUME_RUNTIME_ABORTED' })
    expect(clock.size).toBe(0)
  })
})

describe('what comes from outside', () => {
  test.each([
    { type: 'xstate.stop' },
    { type: 'xstate.done.actor.pay' },
    { type: 'brume.down' },
    { type: '*' },
    { type: '' },
    { type: 'x', at: new Date(0) },
    { type: 'x', of: undefined, n: Number.NaN }
  ])('%j is refused and kept', async (event) => {
    const { kernel } = world()
    run(kernel, 'x', createMachine({ on: { '*': { actions: boom } } }))
    expect(kernel.tell('x', event as never)).toBe('invalid')
    expect(statusAt(kernel, 'x')).toBe('active')
    expect(await lettersOf(kernel)).toMatchObject([{ reason: 'invalid', to: expect.stringContaining('/x#') }])
  })

  test('is asked of the rule of the actor, and of the check of its kind', () => {
    const { kernel } = world()
    const check = (event: unknown) => {
      if (JSON.stringify(event).length > 20) throw new Error('too long')
      return { type: 'add' }
    }
    kernel.register({ ...counter, event: check })
    kernel.spawn('c', 'counter', { allow: ({ peer, event }) => peer === null && event.type !== 'end' })
    expect(kernel.tell('c', { type: 'any' })).toBe('accepted')
    expect(kernel.tell('c', { type: 'end' })).toBe('forbidden')
    expect(kernel.tell('c', { type: 'any', more: 'than the check takes' })).toBe('invalid')
    expect(kernel.actors()).toMatchObject([{ seq: 1 }])
  })
})

describe('paths', () => {
  test.each(['', '/', 'a/', '/a', 'a//b', '.', 'a/..', 'a b', '\u00fc', 'a'.repeat(65), Array(17).fill('a').join('/')])(
    '%j is refused',
    (path) => {
      const { kernel } = world()
      kernel.register(counter)
      const refused = expect.objectContaining({ code: 'BRUME_RUNTIME_ADDRESS' })
      expect(() => kernel.spawn(path, 'counter')).toThrow(refused)
    }
  )

  test('one living actor each, the same for equal kinds; ended ones are forgotten in time', async () => {
    const { kernel } = world()
    kernel.register(counter)
    kernel.spawn('a', 'counter')
    kernel.tell('a', { type: 'add' })
    kernel.spawn('a', 'counter')
    expect(kernel.actors()).toMatchObject([{ path: 'a', seq: 1 }])
    kernel.register({ ...counter, name: 'other' })
    const taken = expect.objectContaining({ code: 'BRUME_RUNTIME_PATH_TAKEN' })
    expect(() => kernel.spawn('a', 'other')).toThrow(taken)
    expect(() => kernel.spawn('b', 'unknown')).toThrow(expect.objectContaining({ code: 'BRUME_RUNTIME_KIND' }))
    for (let i = 0; i < 1_000; i++) {
      kernel.spawn(`session/${i}`, 'counter')
      await kernel.stopActor(`session/${i}`)
    }
    expect(kernel.actors().length).toBeLessThanOrEqual(258)
    expect(kernel.actors()[0]).toMatchObject({ path: 'a', status: 'active' })
  })

  test('with an incarnation reach that one only', async () => {
    const { kernel, clock } = world()
    kernel.register(counter)
    kernel.spawn('a', 'counter')
    const { incarnation } = await kernel.snapshot('a')
    expect(kernel.tell(`${here('a')}#${incarnation}`, { type: 'add' })).toBe('accepted')
    kernel.tell('a', { type: 'fail' })
    clock.run(240)
    expect(kernel.tell(`${here('a')}#${incarnation}`, { type: 'add' })).toBe('stale')
  })
})

describe('a tree', () => {
  const echo = createMachine({ on: { hello: { actions: sendParent({ type: 'back' }) }, bye: {} } })
  const parent = setup({ actors: { echo } }).createMachine({
    initial: 'a',
    invoke: { id: 'echo', src: 'echo', systemId: 'echo' },
    states: { a: { on: { go: { actions: sendTo('echo', { type: 'hello' }) }, back: 'b' } }, b: {} }
  })

  test('speaks with itself, each at an address of its own', async () => {
    const { kernel } = world()
    run(kernel, 'p', parent)
    expect(kernel.actors().map(({ path }) => path)).toEqual(['p', 'p/echo'])
    kernel.tell('p', { type: 'go' })
    expect(await kernel.snapshot('p')).toMatchObject({ value: 'b' })
    expect(kernel.tell('p/echo', { type: 'bye' })).toBe('accepted')
  })

  test('speaks by systemId too', async () => {
    const { kernel } = world()
    const byName = setup({ actors: { echo } }).createMachine({
      initial: 'a',
      invoke: { id: 'other', src: 'echo', systemId: 'named' },
      states: {
        a: { on: { go: { actions: sendTo(({ system }) => system.get('named'), { type: 'hello' }) }, back: 'b' } },
        b: {}
      }
    })
    run(kernel, 'p', byName)
    kernel.tell('p', { type: 'go' })
    expect(await kernel.snapshot('p')).toMatchObject({ value: 'b' })
  })

  test('has callbacks that hear, and speak until they are stopped', async () => {
    const { kernel } = world()
    const speak: { now?: (event: { type: 'tick' }) => void } = {}
    const heard: string[] = []
    const machine = setup({
      actors: {
        ear: fromCallback(({ receive, sendBack }) => {
          receive(({ type }) => heard.push(type))
          speak.now = sendBack
        })
      }
    }).createMachine({
      initial: 'on',
      states: {
        on: {
          invoke: { id: 'ear', src: 'ear' },
          on: { go: { actions: sendTo('ear', { type: 'psst' }) }, tick: 'off' }
        },
        off: { on: { tick: 'on' } }
      }
    })
    run(kernel, 'p', machine)
    kernel.tell('p', { type: 'go' })
    expect(heard).toEqual(['psst'])
    speak.now?.({ type: 'tick' })
    expect(await kernel.snapshot('p')).toMatchObject({ value: 'off' })
    speak.now?.({ type: 'tick' })
    expect(await kernel.snapshot('p')).toMatchObject({ value: 'off' })
  })
})

test('takes nothing from outside where it is told so, and its own timers all the same', async () => {
  let takes = true
  const { kernel, clock } = world({ takes: () => takes })
  kernel.register(counter)
  kernel.spawn('counter', 'counter')
  const waiting = createMachine({ initial: 'a', states: { a: { after: { 1000: 'b' } }, b: {} } })
  run(kernel, 'waiting', waiting)
  takes = false
  expect(kernel.tell('counter', { type: 'add' })).toBe('overload')
  await expect(kernel.submit('counter', { type: 'add' })).rejects.toMatchObject({ code: 'BRUME_RUNTIME_OVERLOAD' })
  clock.run(1_000)
  expect(await kernel.snapshot('waiting')).toMatchObject({ value: 'b' })
  takes = true
  expect(kernel.tell('counter', { type: 'add' })).toBe('accepted')
})

test('equal runs give equal traces', () => {
  const trace = (): string[] => {
    const { kernel, clock } = world()
    const seen: string[] = []
    const flaky = createMachine({
      initial: 'up',
      states: { up: { after: { 700: 'down' } }, down: { entry: boom } }
    })
    for (const path of ['a', 'a/b', 'c']) {
      kernel.watch(path, ({ reason }) => seen.push(`${clock.now()} ${path} ${reason}`))
      kernel.follow(path, ({ value, seq }) => seen.push(`${clock.now()} ${path} ${value} ${seq}`))
      run(kernel, path, flaky, { supervise: { strategy: path === 'a/b' ? 'escalate' : 'restart' } })
    }
    clock.run(90_000)
    return seen
  }
  const first = trace()
  expect(first.length).toBeGreaterThan(20)
  expect(trace()).toEqual(first)
})

test('a delayed event to a child is not for the next of its name', async () => {
  const { kernel, clock } = world()
  const kid = createMachine({ initial: 'calm', states: { calm: { on: { late: 'told' } }, told: {} } })
  const parent = setup({ actors: { kid } }).createMachine({
    entry: spawnChild('kid', { id: 'k' }),
    on: {
      send: { actions: sendTo('k', { type: 'late' }, { delay: 10 }) },
      replace: { actions: [stopChild('k'), spawnChild('kid', { id: 'k' })] }
    }
  })
  run(kernel, 'parent', parent)
  for (const type of ['send', 'replace']) kernel.tell('parent', { type })
  clock.run(20)
  expect(await kernel.snapshot('parent/k')).toMatchObject({ value: 'calm' })
  kernel.tell('parent', { type: 'send' })
  clock.run(20)
  expect(await kernel.snapshot('parent/k')).toMatchObject({ value: 'told' })
})
