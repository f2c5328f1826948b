import { describe, expect, test } from 'vitest'
import { counter, SELF, world } from './fixture.ts'

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

  test('that finishes is done, its path free', async () => {
    const { kernel } = world()
    kernel.register(counter)
    const downs: unknown[] = []
    kernel.spawn('counter', 'counter')
    kernel.watch('counter', ({ reason, output }) => downs.push([reason, output]))
    kernel.tell('counter', { type: 'end' })
    expect(kernel.tell('counter', { type: 'add' })).toBe('stopped')
    expect(downs).toEqual([['done', { n: 0, over: true }]])
    kernel.spawn('counter', 'counter')
    expect(await kernel.snapshot('counter', 'final')).toMatchObject({ seq: 0, cell: 'active' })
  })

  test('that fails starts again after a wait, and its events wait for it', async () => {
    const { kernel, clock } = world()
    kernel.register(counter)
    kernel.spawn('counter', 'counter')
    for (const type of ['add', 'fail', 'add', 'add']) kernel.tell('counter', { type })
    expect(kernel.actors()).toMatchObject([{ status: 'backoff', waiting: 2 }])
    clock.run(240)
    expect(kernel.actors()).toMatchObject([{ status: 'active', waiting: 0, restarts: 1, seq: 2 }])
  })
})
