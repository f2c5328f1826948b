import { describe, expect, test } from 'vitest'
import { countingMachine, downs, run, statusAt, world } from './kernel/fixture.ts'
import type { Kernel } from './kernel/index.ts'

describe('families by path', () => {
  test('escalate below restart restarts all, in order of spawn', async () => {
    const { kernel, clock } = world()
    run(kernel, 'net', countingMachine)
    run(kernel, 'net/links', countingMachine, { supervise: { strategy: 'escalate' } })
    run(kernel, 'net/links/probe', countingMachine)
    run(kernel, 'net/topics', countingMachine)
    run(kernel, 'store', countingMachine)
    const told = downs(kernel, 'net', 'net/links', 'net/links/probe', 'net/topics', 'store')
    kernel.tell('net/links/probe', { type: 'add' })
    kernel.tell('net/links', { type: 'fail' })
    expect(told).toEqual(['net/links error'])
    const statuses = kernel.actors().map(({ path, status }) => `${path} ${status}`)
    expect(statuses).toEqual([
      'net backoff',
      'net/links backoff',
      'net/links/probe backoff',
      'net/topics backoff',
      'store active'
    ])
    clock.run(240)
    expect(told.slice(1)).toEqual(['net restarted', 'net/links/probe restarted', 'net/topics restarted'])
    expect(kernel.actors().map(({ status }) => status)).toEqual(Array(5).fill('active'))
    expect(await kernel.snapshot('net/links/probe')).toMatchObject({ context: { n: 0 } })
  })

  test('one that keeps failing takes the one above along, and then the callback of the kernel is told', () => {
    const { kernel, clock, escalated } = world()
    run(kernel, 'p', countingMachine)
    run(kernel, 'p/c', countingMachine, { supervise: { strategy: 'escalate' } })
    for (let i = 0; i < 6; i++) {
      kernel.tell('p/c', { type: 'fail' })
      clock.run(5_000)
    }
    expect([statusAt(kernel, 'p'), statusAt(kernel, 'p/c')]).toEqual(['failed', 'failed'])
    expect(escalated).toMatchObject([
      { path: 'p', error: { code: 'BRUME_RUNTIME_CHILD_FAILED', cause: { message: 'boom' } } }
    ])
    expect(clock.size).toBe(0)
  })

  test('one that is spawned while the one above waits starts with it', () => {
    const { kernel, clock } = world()
    run(kernel, 'p', countingMachine)
    kernel.tell('p', { type: 'fail' })
    run(kernel, 'p/c', countingMachine)
    expect(statusAt(kernel, 'p/c')).toBe('backoff')
    clock.run(240)
    expect(statusAt(kernel, 'p/c')).toBe('active')
  })
})

describe('ends', () => {
  const PATHS = ['b/x', 'b/x/1', 'b/y', 'b']
  const family = (kernel: Kernel): string[] => {
    for (const path of ['b/x', 'b/x/1', 'b/y']) run(kernel, path, countingMachine)
    return downs(kernel, ...PATHS)
  }
  const below = ['b/y stopped', 'b/x/1 stopped', 'b/x stopped']

  test('of an actor end those below it, last first', async () => {
    const { kernel } = world()
    run(kernel, 'b', countingMachine)
    const told = family(kernel)
    await kernel.stopActor('b')
    expect(told).toEqual([...below, 'b stopped'])
  })

  test('by a final state do as well', () => {
    const { kernel } = world()
    run(kernel, 'b', countingMachine)
    const told = family(kernel)
    kernel.tell('b', { type: 'end' })
    expect(told).toEqual([...below, 'b done'])
  })

  test('by strategy stop do as well', () => {
    const { kernel, clock } = world()
    run(kernel, 'b', countingMachine, { supervise: { strategy: 'stop' } })
    const told = family(kernel)
    kernel.tell('b', { type: 'fail' })
    expect(told).toEqual([...below, 'b stopped'])
    expect(clock.size).toBe(0)
  })

  test('stay when the actor above restarts', async () => {
    const { kernel, clock } = world()
    run(kernel, 'b', countingMachine)
    run(kernel, 'b/before', countingMachine)
    run(kernel, 'b/meanwhile', countingMachine)
    await kernel.stopActor('b/before')
    kernel.tell('b', { type: 'fail' })
    await kernel.stopActor('b/meanwhile')
    clock.run(240)
    const statuses = ['b', 'b/before', 'b/meanwhile'].map((path) => statusAt(kernel, path))
    expect(statuses).toEqual(['active', 'stopped', 'stopped'])
  })

  test('the kernel ends all in reverse order, once', async () => {
    const { kernel, clock } = world()
    const paths = ['a', 'b', 'b/x', 'b/y', 'c']
    for (const path of paths) run(kernel, path, countingMachine)
    run(kernel, 'd', countingMachine)
    kernel.tell('d', { type: 'fail' })
    const told = downs(kernel, ...paths)
    await kernel.stop()
    await kernel.stop()
    expect(told).toEqual(['c', 'b/y', 'b/x', 'b', 'a'].map((path) => `${path} stopped`))
    expect(clock.size).toBe(0)
    expect(() => run(kernel, 'e', countingMachine)).toThrow(expect.objectContaining({ code: 'BRUME_RUNTIME_STOPPED' }))
  })
})
