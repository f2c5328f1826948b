import { describe, expect, test } from 'vitest'
import { createMachine } from 'xstate'
import { boom, counter, world } from './fixture.ts'
import { type Kernel, MAILBOX_EVENTS_MAX, RuntimeError } from './index.ts'

const statuses = (kernel: Kernel, path: string): string[] => {
  const seen: string[] = []
  kernel.watch(path, ({ status }) => seen.push(status))
  return seen
}

describe('a running actor', () => {
  test('handles an event before send returns, and shows its snapshot', () => {
    const { kernel } = world()
    const ref = kernel.spawn('counter', counter)
    expect(ref.send({ type: 'add' })).toBe('accepted')
    expect(ref.snapshot().context.n).toBe(1)
    expect(ref.status()).toBe('active')
  })

  test('gets its time from the Clock port, and leaves no timer behind', () => {
    const { kernel, clock } = world()
    const light = createMachine({
      initial: 'red',
      states: { red: { after: { 1000: 'green' } }, green: { after: { 500: 'red' } } }
    })
    const ref = kernel.spawn('light', light)
    clock.advance(999)
    expect(ref.snapshot().value).toBe('red')
    clock.advance(1)
    expect(ref.snapshot().value).toBe('green')
    ref.stop()
    expect(clock.pending).toBe(0)
  })

  test('that finishes is done, its path free', () => {
    const { kernel } = world()
    const seen = statuses(kernel, 'counter')
    const ref = kernel.spawn('counter', counter)
    ref.send({ type: 'end' })
    expect(ref.send({ type: 'add' })).toBe('stopped')
    expect(kernel.spawn('counter', counter).status()).toBe('active')
    expect(seen).toEqual(['starting', 'active', 'done', 'starting', 'active'])
  })

  test('is not entered twice: events sent from within arrive later and in order', () => {
    const { kernel } = world()
    const order: string[] = []
    const relay = createMachine({
      on: {
        ping: {
          actions: () => {
            order.push('a-in')
            echo.send({ type: 'pong' })
            order.push('a-out')
          }
        },
        back: { actions: () => void order.push('a-back') }
      }
    })
    const answer = createMachine({
      on: {
        pong: {
          actions: () => {
            order.push('b-in')
            ref.send({ type: 'back' })
            order.push('b-out')
          }
        }
      }
    })
    const echo = kernel.spawn('b', answer)
    const ref = kernel.spawn('a', relay)
    ref.send({ type: 'ping' })
    expect(order).toEqual(['a-in', 'a-out', 'b-in', 'b-out', 'a-back'])
  })

  test('is not entered by an actor that it spawned either', () => {
    const { kernel } = world()
    const order: string[] = []
    const child = createMachine({ on: { hello: { actions: () => void order.push('child') } } })
    const parent = createMachine({
      on: {
        go: {
          actions: () => {
            kernel.spawn('p/c', child).send({ type: 'hello' })
            order.push('parent')
          }
        }
      }
    })
    kernel.spawn('p', parent).send({ type: 'go' })
    expect(order).toEqual(['parent', 'child'])
  })

  test('that keeps itself busy for ever lets others and the event loop in', () => {
    const { kernel, clock } = world()
    let turns = 0
    const busy = createMachine({
      on: {
        go: {
          actions: () => {
            turns += 1
            ref.send({ type: 'go' })
          }
        }
      }
    })
    const ref = kernel.spawn('busy', busy)
    ref.send({ type: 'go' })
    expect(turns).toBe(1_024)
    const other = kernel.spawn('counter', counter)
    expect(other.send({ type: 'add' })).toBe('accepted')
    ref.stop()
    clock.advance(0)
    expect(other.snapshot().context.n).toBe(1)
  })
})

describe('the mailbox', () => {
  test('takes 1,024 events, counts the rest, and never refuses control events', () => {
    const { kernel, clock } = world()
    const ref = kernel.spawn('counter', counter)
    ref.send({ type: 'fail' })
    for (let i = 0; i < MAILBOX_EVENTS_MAX; i++) expect(ref.send({ type: 'add' })).toBe('accepted')
    for (let i = 0; i < 3; i++) expect(ref.send({ type: 'add' })).toBe('full')
    for (let i = 0; i < 10; i++) expect(ref.send({ type: 'add' }, { control: true })).toBe('accepted')
    expect(kernel.cells()).toMatchObject([{ waiting: 1_034, overflowed: 3 }])
    clock.advance(200)
    expect(ref.snapshot().context.n).toBe(1_034)
    expect(ref.send({ type: 'add' })).toBe('accepted')
  })

  test('refuses XState control types from outside', () => {
    const ref = world().kernel.spawn('x', createMachine({ on: { '*': { actions: boom } } }))
    for (const type of ['xstate.stop', 'xstate.done.actor.pay']) expect(() => ref.send({ type })).toThrow(RuntimeError)
    expect(ref.status()).toBe('active')
  })
})

describe('paths', () => {
  test.each(['', '/', 'a/', '/a', 'a//b', '.', 'a/..', 'a b', '\u00fc', 'a'.repeat(65), Array(17).fill('a').join('/')])(
    '%j is refused',
    (path) => {
      expect(() => world().kernel.spawn(path, counter)).toThrow(expect.objectContaining({ code: 'BRUME_RUNTIME_PATH' }))
    }
  )

  test('one living actor each; ended ones are forgotten in time', () => {
    const { kernel } = world()
    kernel.spawn('a', counter)
    expect(() => kernel.spawn('a', counter)).toThrow(expect.objectContaining({ code: 'BRUME_RUNTIME_PATH_TAKEN' }))
    for (let i = 0; i < 1_000; i++) kernel.spawn(`session/${i}`, counter).stop()
    expect(kernel.cells().length).toBeLessThanOrEqual(258)
    expect(kernel.cells()[0]).toMatchObject({ path: 'a', status: 'active' })
  })
})

test('equal runs give equal traces', () => {
  const run = (): string[] => {
    const { kernel, clock } = world()
    const trace: string[] = []
    const flaky = createMachine({
      initial: 'up',
      states: { up: { after: { 700: 'down' } }, down: { entry: boom } }
    })
    for (const path of ['a', 'a/b', 'c']) {
      kernel.watch(path, ({ status }) => trace.push(`${clock.now()} ${path} ${status}`))
      kernel.spawn(path, flaky, { strategy: path === 'a/b' ? 'escalate' : 'restart' })
    }
    clock.advance(90_000)
    return trace
  }
  const first = run()
  expect(first.length).toBeGreaterThan(20)
  expect(run()).toEqual(first)
})
