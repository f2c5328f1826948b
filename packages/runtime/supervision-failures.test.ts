import { settle } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { assign, createMachine, fromCallback, fromPromise, sendTo, setup } from 'xstate'
import { boom, countingMachine, lettersOf, run, statusAt, world } from './kernel/fixture.ts'
import type { Failure } from './kernel/index.ts'

const FIRST_WAIT_MS = 240

describe('failures', () => {
  const throwing = {
    'an action': createMachine({ on: { fail: { actions: boom } } }),
    'a guard': createMachine({ on: { fail: { guard: boom, actions: () => {} } } }),
    'an assign': createMachine({ context: {}, on: { fail: { actions: assign(boom) } } }),
    'an entry action': createMachine({ initial: 'a', states: { a: { on: { fail: 'b' } }, b: { entry: boom } } }),
    'a child': setup({ actors: { child: createMachine({ context: boom }) } }).createMachine({
      initial: 'a',
      states: { a: { on: { fail: 'b' } }, b: { invoke: { id: 'child', src: 'child' } } }
    }),
    'a callback': createMachine({
      initial: 'a',
      states: { a: { on: { fail: 'b' } }, b: { invoke: { id: 'callback', src: fromCallback(boom) } } }
    })
  }

  test.each(Object.entries(throwing))('a throw in %s restarts a root in memory after a wait', (_where, machine) => {
    const { kernel, clock } = world()
    const failures: Failure[] = []
    run(kernel, 'x', machine, { onFailed: (failure) => failures.push(failure) })
    kernel.tell('x', { type: 'fail' })
    expect(statusAt(kernel, 'x')).toBe('backoff')
    expect(failures).toMatchObject([{ path: 'x', error: { message: expect.stringMatching(/boom$/) } }])
    expect(failures[0]?.restartInMs).toBeGreaterThanOrEqual(160)
    clock.run(159)
    expect(statusAt(kernel, 'x')).toBe('backoff')
    clock.run(FIRST_WAIT_MS - 159)
    expect(statusAt(kernel, 'x')).toBe('active')
  })

  test('of a child that the machine handles are its own affair', async () => {
    const { kernel } = world()
    const machine = setup({ actors: { child: createMachine({ context: boom }) } }).createMachine({
      initial: 'a',
      states: { a: { invoke: { id: 'child', src: 'child', onError: 'b' } }, b: {} }
    })
    run(kernel, 'x', machine)
    expect(await kernel.snapshot('x')).toMatchObject({ value: 'b', cell: 'active' })
  })

  test('a rejected promise is a failure, not an unhandled rejection', async () => {
    const { kernel } = world()
    const late = fromPromise(() => Promise.reject(new Error('no answer')))
    const failed = Promise.withResolvers<Failure>()
    run(kernel, 'asks', createMachine({ invoke: { id: 'late', src: late } }), {
      supervise: { strategy: 'stop' },
      onFailed: failed.resolve
    })
    expect(await failed.promise).toMatchObject({ error: { message: 'no answer' }, restartInMs: undefined })
    expect(statusAt(kernel, 'asks')).toBe('stopped')
  })

  test('an async action that rejects is a failure too, here and in a child', async () => {
    const { kernel } = world()
    const rejects = createMachine({ entry: () => Promise.reject(new Error('async')) })
    const parent = setup({ actors: { rejects } }).createMachine({ invoke: { id: 'child', src: 'rejects' } })
    for (const [path, machine] of Object.entries({ own: rejects, parent })) {
      const failed = Promise.withResolvers<Failure>()
      run(kernel, path, machine, { supervise: { strategy: 'stop' }, onFailed: failed.resolve })
      expect(await failed.promise).toMatchObject({ path, error: { message: 'async' } })
    }
  })

  test('are seen by the sender, and in the dead letters', async () => {
    const { kernel } = world()
    run(kernel, 'x', countingMachine)
    await expect(kernel.submit('x', { type: 'fail' })).rejects.toMatchObject({ code: 'BRUME_RUNTIME_FAILED' })
    expect(await lettersOf(kernel)).toMatchObject([{ reason: 'failed', event: { type: 'fail' } }])
  })

  test('of callbacks are logged and harm nobody', () => {
    const { kernel, clock, lines } = world()
    run(kernel, 'x', countingMachine, { onFailed: boom })
    kernel.watch('x', boom)
    kernel.follow('x', boom)
    kernel.tell('x', { type: 'fail' })
    clock.run(FIRST_WAIT_MS)
    expect(statusAt(kernel, 'x')).toBe('active')
    expect(lines.filter((line) => line.includes('callback'))).toHaveLength(3)
  })

  test('stop what the actor had started, also below a child that failed itself', () => {
    const { kernel } = world()
    const open = new Set<string>()
    const holds = (name: string) =>
      fromCallback(() => {
        open.add(name)
        return () => void open.delete(name)
      })
    const child = createMachine({
      invoke: { id: 'grandchild', src: holds('grandchild') },
      on: { fail: { actions: boom } }
    })
    const parent = createMachine({
      invoke: [
        { src: holds('child'), id: 'holder' },
        { src: child, id: 'machine', onError: { actions: () => {} } }
      ],
      on: { 'fail.child': { actions: sendTo('machine', { type: 'fail' }) }, 'fail.self': { actions: boom } }
    })
    run(kernel, 'p', parent)
    expect([...open]).toEqual(['child', 'grandchild'])
    kernel.tell('p', { type: 'fail.child' })
    expect([...open]).toEqual(['child'])
    expect(statusAt(kernel, 'p')).toBe('active')
    kernel.tell('p', { type: 'fail.self' })
    expect([...open]).toEqual([])
  })

  test('of an incarnation harm no successor, however late they are', async () => {
    const { kernel, clock } = world()
    const late = Promise.withResolvers<void>()
    const machine = createMachine({ on: { wait: { actions: () => late.promise }, fail: { actions: boom } } })
    run(kernel, 'slow', machine)
    kernel.tell('slow', { type: 'wait' })
    kernel.tell('slow', { type: 'fail' })
    clock.run(FIRST_WAIT_MS)
    late.reject(new Error('late'))
    await settle()
    expect(statusAt(kernel, 'slow')).toBe('active')
  })
})
