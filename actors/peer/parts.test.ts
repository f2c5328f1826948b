import type { Log } from '@brume/ports'
import { SimClock, settle } from '@brume/testkit'
import { describe, expect, it } from 'vitest'
import { createLife } from './life.ts'
import { createParts, type Part, STOP_MS } from './parts.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** Parts a, b, c that write down what happens to them. */
function recorded(changes: { readonly [name: string]: Partial<Part> } = {}) {
  const clock = new SimClock()
  const parts = createParts(clock, silent)
  const log: string[] = []
  for (const name of ['a', 'b', 'c']) {
    const start = () => void log.push(`+${name}`)
    const stop = () => void log.push(`-${name}`)
    parts.add({ name, start, stop, stopMs: 100, ...changes[name] })
  }
  const states: string[] = []
  const life = createLife(parts, (notice) => states.push('state' in notice ? notice.state : notice.event))
  return { clock, parts, log, life, states }
}

const failing = (): never => {
  throw new Error('no')
}
const hanging = (): Promise<void> => new Promise(() => undefined)

describe('parts', () => {
  it('start first to last and stop last to first', async () => {
    const { parts, log } = recorded()
    await parts.start()
    await parts.stop()
    expect(log).toEqual(['+a', '+b', '+c', '-c', '-b', '-a'])
  })

  it('stop when another fails to stop', async () => {
    const { parts, log } = recorded({ b: { stop: failing } })
    await parts.stop()
    expect(log).toEqual(['-c', '-a'])
  })

  it('stop when another hangs, after its time', async () => {
    const { parts, log, clock } = recorded({ b: { stop: hanging } })
    const stopped = parts.stop()
    await settle()
    expect(log).toEqual(['-c'])
    await clock.pass(100)
    await stopped
    expect(log).toEqual(['-c', '-a'])
  })

  it('may together take no more than 3 s', () => {
    expect(Object.values<number>(STOP_MS).reduce((sum, ms) => sum + ms)).toBeLessThanOrEqual(3_000)
  })
})

describe('the life of a peer', () => {
  it('goes from idle to stopped', async () => {
    const { life, states, log } = recorded()
    expect(life.state()).toBe('idle')
    await life.start()
    expect(life.state()).toBe('running')
    await life.stop()
    await life.stop()
    expect(states).toEqual(['starting', 'running', 'stopping', 'stopped'])
    expect(log).toEqual(['+a', '+b', '+c', '-c', '-b', '-a'])
    expect(await life.ended).toBeUndefined()
  })

  it('stops every part when one does not start, and says why', async () => {
    const { life, states, log } = recorded({ b: { start: failing } })
    await expect(life.start()).rejects.toThrow('no')
    expect(log).toEqual(['+a', '-c', '-b', '-a'])
    expect(states).toEqual(['starting', 'stopping', 'failed', 'peer.failed'])
    expect(await life.ended).toMatchObject({ message: 'no' })
  })

  it('stops while it starts, without starting the rest', async () => {
    const gate = Promise.withResolvers<void>()
    const { life, log } = recorded({ b: { start: () => gate.promise } })
    const starting = life.start()
    const stopping = life.stop()
    gate.resolve()
    await Promise.all([starting, stopping])
    expect(life.state()).toBe('stopped')
    expect(log).toEqual(['+a', '-c', '-b', '-a'])
  })

  it('stops without ever having started', async () => {
    const { life, log } = recorded()
    await life.stop()
    expect(log).toEqual(['-c', '-b', '-a'])
    expect(life.state()).toBe('stopped')
  })

  it('ends with its first failure, whatever follows from it', async () => {
    const { life } = recorded()
    await life.start()
    life.fail(new Error('first'))
    life.fail(new Error('second'))
    expect(await life.ended).toMatchObject({ message: 'first' })
    expect(life.state()).toBe('failed')
    await life.stop()
  })
})
