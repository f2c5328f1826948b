import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createActor, fromPromise } from 'xstate'
import { membershipMachine } from './machine.ts'

/** The machine with effects that only write down that they happened. */
function start(load: () => Promise<void> = async () => {}) {
  const seen: string[] = []
  const logic = membershipMachine.provide({
    actors: { load: fromPromise(load) },
    actions: {
      open: () => void seen.push('open'),
      leave: () => void seen.push('leave'),
      close: (_, { failed }) => void seen.push(failed ? 'close failed' : 'close')
    }
  })
  const actor = createActor(logic)
  actor.start()
  return { actor, seen }
}

const loaded = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
}

describe('life', () => {
  it('goes starting, syncing, ready, leaving, stopped', async () => {
    const { actor, seen } = start()
    expect(actor.getSnapshot().value).toBe('starting')
    await loaded()
    expect(actor.getSnapshot().value).toBe('syncing')
    actor.send({ type: 'ready' })
    actor.send({ type: 'leave' })
    expect(actor.getSnapshot().value).toBe('leaving')
    actor.send({ type: 'left' })
    expect(actor.getSnapshot()).toMatchObject({ value: 'stopped', status: 'done' })
    expect(seen).toEqual(['open', 'leave', 'close'])
  })

  it('ends where loading failed', async () => {
    const { actor, seen } = start(() => Promise.reject(new Error('the store is gone')))
    await loaded()
    expect(actor.getSnapshot().value).toBe('failed')
    expect(seen).toEqual(['close failed'])
  })

  it('leaves nothing behind when it is stopped while loading', async () => {
    const { actor, seen } = start()
    actor.send({ type: 'leave' })
    await loaded()
    expect(actor.getSnapshot().value).toBe('stopped')
    expect(seen).toEqual(['close'])
  })

  it('halts from wherever it is', async () => {
    for (const before of [[], ['ready'], ['leave']] as const) {
      const { actor } = start()
      await loaded()
      for (const type of before) actor.send({ type })
      actor.send({ type: 'halt' })
      expect(actor.getSnapshot().value).toBe('failed')
    }
  })

  it('does nothing without its effects', () => {
    const actor = createActor(membershipMachine)
    const errors: unknown[] = []
    actor.subscribe({ error: (error) => errors.push(error) })
    actor.start()
    expect(String(errors[0])).toContain('is not bound')
  })
})

describe('README.md', () => {
  it('shows every transition of the machine and no other', () => {
    const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8')
    const drawn = [...readme.matchAll(/^ {2}(\w+) --> (\w+)/gm)].map(([, from, to]) => `${from} ${to}`)
    const { states } = membershipMachine
    const real = Object.values(states).flatMap((state) => {
      const targets = state.transitions.values().flatMap((list) => list.flatMap(({ target }) => target ?? []))
      return [...targets].map((target) => `${state.key} ${target.key}`)
    })
    const halts = Object.values(states)
      .filter(({ type }) => type !== 'final')
      .map(({ key }) => `${key} failed`)
    expect([...new Set(drawn)].sort()).toEqual([...new Set([...real, ...halts])].sort())
  })
})
