import { expect, test } from 'vitest'
import { fromTransition, setup } from 'xstate'
import { now } from './index.ts'
import type { Scope } from './port.ts'
import { reducer } from './reducer.ts'
import { xstate5 } from './xstate5/index.ts'

const scope: Scope = {
  address: 'brume://x/sum#1',
  parent: null,
  nowMs: 7,
  sender: null,
  ask: 'token',
  random: (length) => new Uint8Array(length)
}

test('a reducer knows its step, says what it wants, and comes back from what is stored', () => {
  const sum = reducer<{ readonly n: number; readonly atMs: number }, { readonly type: 'add'; readonly by: number }>({
    id: new Uint8Array(32),
    init: () => ({ n: 0, atMs: now() }),
    reduce: ({ n }, { by }, effects, { ask }) => {
      if (ask !== null) effects.push({ kind: 'reply', token: ask, value: n + by })
      return { n: n + by, atMs: now() }
    }
  })
  const { state } = sum.init(null, scope)
  const step = sum.step(state, { type: 'add', by: 2 }, { ...scope, nowMs: 8 })
  expect(step).toEqual({ state: { n: 2, atMs: 8 }, effects: [{ kind: 'reply', token: 'token', value: 2 }] })
  const restored = sum.restore(sum.persist(step.state), scope)
  expect(sum.view(restored)).toEqual({ status: 'active', value: null, context: { n: 2, atMs: 8 }, tags: [] })
  expect(state).toEqual({ n: 0, atMs: 7 })
  expect(() => now()).toThrow(expect.objectContaining({ code: 'BRUME_RUNTIME_OUTSIDE_STEP' }))
})

test('a child of fromTransition is an actor of its own', () => {
  type Add = { readonly type: 'add'; readonly by: number }
  const sum = fromTransition(
    (state: { readonly n: number }, { by }: Add, { emit }) => {
      emit({ type: 'added', atMs: now() } as never)
      return { n: state.n + by }
    },
    ({ input }: { readonly input: { readonly from: number } }) => ({ n: input.from })
  )
  const child = xstate5(setup({ actors: { sum } }).createMachine({})).child('sum')
  if (child?.kind !== 'logic') throw new Error('expected logic')
  const { logic } = child
  const first = logic.init({ from: 5 }, scope)
  const { state, effects } = logic.step(first.state, { type: 'add', by: 2 }, scope)
  expect(effects).toEqual([{ kind: 'emit', event: { type: 'added', atMs: 7 } }])
  const restored = logic.restore(logic.persist(state), scope)
  expect(logic.view(restored)).toEqual({ status: 'active', value: null, context: { n: 7 }, tags: [] })
  expect(() => logic.step(first.state, { type: 'add', by: Number.NaN }, scope)).toThrow(
    expect.objectContaining({ code: 'BRUME_RUNTIME_NOT_PLAIN' })
  )
})
