import { memoryStore } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { boom, countingMachine, downs, run, statusAt, type World, world } from './kernel/fixture.ts'
import { xstate5 } from './logic/xstate5/index.ts'

const MINUTE_MS = 60_000

/** Fails, and lets the wait pass. @returns how long it was */
function failOnce({ kernel, clock }: World, path: string): number {
  const fromMs = clock.now()
  kernel.tell(path, { type: 'fail' })
  while (statusAt(kernel, path) === 'backoff') clock.run(10)
  return clock.now() - fromMs
}

describe('restart', () => {
  test('is the default of roots in memory: from the original input, with the mailbox', async () => {
    const { kernel, clock } = world()
    const machine = setup({ types: { context: {} as { n: number }, input: {} as { from: number } } }).createMachine({
      context: ({ input }) => ({ n: input.from }),
      on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) }, fail: { actions: boom } }
    })
    run(kernel, 'n', machine, { input: { from: 10 } })
    const before = await kernel.snapshot('n')
    for (const type of ['add', 'fail', 'add', 'add']) kernel.tell('n', { type })
    expect(kernel.actors()).toMatchObject([{ status: 'backoff', waiting: 2 }])
    clock.run(240)
    const after = await kernel.snapshot('n')
    expect(after).toMatchObject({ context: { n: 12 }, cell: 'active' })
    expect(after.incarnation).toBeGreaterThan(before.incarnation)
    expect(kernel.actors()).toMatchObject([{ waiting: 0, restarts: 1 }])
  })

  test('cancels the timers of the incarnation before, and what they had put into the mailbox', async () => {
    const { kernel, clock } = world()
    const machine = setup({ types: { context: {} as { n: number } } }).createMachine({
      context: { n: 0 },
      initial: 'a',
      on: { fail: { actions: boom }, tick: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
      states: { a: { after: { 100: { actions: assign({ n: 100 }) } } } }
    })
    run(kernel, 'x', machine)
    clock.run(50)
    kernel.tell('x', { type: 'fail' })
    clock.run(240)
    expect(await kernel.snapshot('x')).toMatchObject({ context: { n: 0 }, cell: 'active' })
    clock.run(100)
    expect(await kernel.snapshot('x')).toMatchObject({ context: { n: 100 } })
  })

  test('waits 200 ms, doubled, +-20 %; the sixth failure within a minute is escalated', () => {
    const all = world()
    const { kernel, clock, escalated } = all
    run(kernel, 'x', countingMachine)
    const told = downs(kernel, 'x')
    const waits = Array.from({ length: 5 }, () => failOnce(all, 'x'))
    for (const [index, waitMs] of waits.entries()) {
      expect(waitMs).toBeGreaterThanOrEqual(200 * 2 ** index * 0.8)
      expect(waitMs).toBeLessThanOrEqual(200 * 2 ** index * 1.2 + 10)
    }
    kernel.tell('x', { type: 'fail' })
    expect(statusAt(kernel, 'x')).toBe('failed')
    expect(told).toEqual([...Array(5).fill('x restarted'), 'x error'])
    expect(escalated).toMatchObject([{ path: 'x', error: { message: 'boom' } }])
    expect(clock.size).toBe(0)
  })

  test('goes on for ever where the failures are far apart', () => {
    const all = world()
    run(all.kernel, 'x', countingMachine)
    for (let i = 0; i < 20; i++) {
      failOnce(all, 'x')
      all.clock.run(MINUTE_MS / 5 + 1)
    }
    expect(statusAt(all.kernel, 'x')).toBe('active')
  })

  test('has its window by what was given', () => {
    const all = world()
    run(all.kernel, 'x', countingMachine, { supervise: { strategy: 'restart', max: 1, withinMs: 1_000 } })
    failOnce(all, 'x')
    all.clock.run(1_001)
    failOnce(all, 'x')
    expect(statusAt(all.kernel, 'x')).toBe('active')
    all.kernel.tell('x', { type: 'fail' })
    expect(statusAt(all.kernel, 'x')).toBe('failed')
  })
})

describe('resume', () => {
  test('is the default of roots on disk: the state before the event stays, nothing is waited for', async () => {
    const { kernel } = world({ store: memoryStore() })
    await kernel.start()
    run(kernel, 'x', countingMachine)
    const { incarnation } = await kernel.snapshot('x')
    for (const type of ['add', 'fail', 'add']) kernel.tell('x', { type })
    expect(await kernel.snapshot('x')).toMatchObject({ context: { n: 2 }, incarnation, cell: 'active' })
    expect(kernel.actors()).toMatchObject([
      { restarts: 1, failure: expect.stringContaining('its action boom is a function') }
    ])
    await kernel.stop()
  })

  test('gives up as restart does', () => {
    const { kernel, escalated } = world()
    run(kernel, 'x', countingMachine, { supervise: { strategy: 'resume' } })
    for (let i = 0; i < 6; i++) kernel.tell('x', { type: 'fail' })
    expect(statusAt(kernel, 'x')).toBe('failed')
    expect(escalated).toMatchObject([{ path: 'x' }])
  })

  test('starts anew where there is no state to go on with', () => {
    const { kernel, clock } = world()
    let tries = 0
    const machine = setup({}).createMachine({
      context: () => {
        tries += 1
        if (tries === 1) boom()
        return {}
      }
    })
    run(kernel, 'x', machine, { supervise: { strategy: 'resume' } })
    expect(statusAt(kernel, 'x')).toBe('backoff')
    clock.run(240)
    expect(statusAt(kernel, 'x')).toBe('active')
  })
})

describe('stop', () => {
  test('ends the actor, and tells its watchers', () => {
    const { kernel, clock } = world()
    run(kernel, 'x', countingMachine, { supervise: { strategy: 'stop' } })
    const told = downs(kernel, 'x')
    kernel.tell('x', { type: 'fail' })
    expect(told).toEqual(['x stopped'])
    expect(kernel.tell('x', { type: 'add' })).toBe('stopped')
    expect(clock.size).toBe(0)
  })
})

describe('escalate', () => {
  const children = {
    keeps: setup({ actors: { child: countingMachine } }).createMachine({
      context: {},
      initial: 'a',
      invoke: { id: 'child', src: 'child' },
      states: { a: {} }
    }),
    handles: setup({ actors: { child: countingMachine } }).createMachine({
      initial: 'a',
      states: { a: { invoke: { id: 'child', src: 'child', onError: 'b' } }, b: {} }
    })
  }

  test('is the default of children: the parent handles it', async () => {
    const { kernel } = world()
    run(kernel, 'p', children.handles)
    const told = downs(kernel, 'p/child')
    kernel.tell('p/child', { type: 'fail' })
    expect(await kernel.snapshot('p')).toMatchObject({ value: 'b', cell: 'active' })
    expect(told).toEqual(['p/child error'])
  })

  test('and where the parent does not, it fails; below a parent that restarts the family starts anew', () => {
    const { kernel, clock } = world()
    run(kernel, 'p', children.keeps)
    const told = downs(kernel, 'p/child', 'p')
    kernel.tell('p/child', { type: 'add' })
    kernel.tell('p/child', { type: 'fail' })
    expect(statusAt(kernel, 'p')).toBe('backoff')
    clock.run(240)
    expect(told).toEqual(['p/child error', 'p restarted'])
    expect([statusAt(kernel, 'p'), statusAt(kernel, 'p/child')]).toEqual(['active', 'active'])
  })

  test('other strategies are set by src, at register', () => {
    const { kernel, clock } = world()
    const logic = xstate5(children.keeps)
    kernel.register({ name: 'p', version: 1, logic, children: { child: { strategy: 'restart' } } })
    kernel.spawn('p', 'p')
    kernel.tell('p/child', { type: 'fail' })
    expect([statusAt(kernel, 'p'), statusAt(kernel, 'p/child')]).toEqual(['active', 'backoff'])
    clock.run(240)
    expect(statusAt(kernel, 'p/child')).toBe('active')
  })
})

describe('a failed root', () => {
  test('stays until it is resurrected, from its beginning', async () => {
    const { kernel } = world()
    run(kernel, 'x', countingMachine, { supervise: { strategy: 'escalate' } })
    kernel.tell('x', { type: 'add' })
    kernel.tell('x', { type: 'fail' })
    expect(kernel.tell('x', { type: 'add' })).toBe('failed')
    kernel.resurrect('x')
    expect(await kernel.snapshot('x')).toMatchObject({ context: { n: 0 }, cell: 'active' })
    expect(kernel.tell('x', { type: 'add' })).toBe('accepted')
  })

  test('that resumes goes on with the state it had', async () => {
    const { kernel } = world()
    run(kernel, 'x', countingMachine, { supervise: { strategy: 'resume', max: 1 } })
    for (const type of ['add', 'fail', 'fail']) kernel.tell('x', { type })
    expect(statusAt(kernel, 'x')).toBe('failed')
    kernel.resurrect('x')
    expect(await kernel.snapshot('x')).toMatchObject({ context: { n: 1 }, cell: 'active' })
  })
})
