import { describe, expect, test } from 'vitest'
import { overBudget } from '../streams/governor.ts'
import { keptConnection } from './duplicates.ts'
import { isHopeless, NOT_SLOW, SLOW_BUFFER_BYTES, sawBuffer, sawLag, sawTrouble } from './slow.ts'

const FULL = SLOW_BUFFER_BYTES + 1

describe('slow peers', () => {
  test('a full buffer for 3 s makes slow, for 30 s hopeless; a drained one heals after 30 s', () => {
    let state = sawBuffer(NOT_SLOW, FULL, 0)
    state = sawBuffer(state, FULL, 2_999)
    expect(state.slow).toBe(false)
    state = sawBuffer(state, FULL, 3_000)
    expect(state.slow).toBe(true)
    expect(isHopeless(state, 29_999)).toBe(false)
    expect(isHopeless(sawBuffer(state, FULL, 30_000), 30_000)).toBe(true)
    state = sawBuffer(state, 0, 32_999)
    expect(state.slow).toBe(true)
    expect(sawBuffer(state, 0, 33_000).slow).toBe(false)
  })

  test('three echoes in a row with a long lag make slow, and never hopeless', () => {
    let state = [501, 501, 500, 501, 501].reduce((seen, lagMs, index) => sawLag(seen, lagMs, index), NOT_SLOW)
    expect(state.slow).toBe(false)
    state = sawLag(state, 501, 5)
    expect(state.slow).toBe(true)
    expect(isHopeless(state, 1e9)).toBe(false)
  })

  test('trouble elsewhere counts until it has been quiet for 30 s', () => {
    const state = sawTrouble(NOT_SLOW, 10)
    expect(sawBuffer(state, 0, 30_009).slow).toBe(true)
    expect(sawBuffer(state, 0, 30_010).slow).toBe(false)
  })
})

test('the governor ends the largest first, and no more than needed', () => {
  const of = (bytes: number) => ({ bytes, outgoing: 0 })
  const peers = new Map([
    ['small', of(10)],
    ['large', of(70)],
    ['middle', of(40)]
  ])
  expect(overBudget(peers, 120)).toEqual([])
  expect(overBudget(peers, 119)).toEqual(['large'])
  expect(overBudget(peers, 30)).toEqual(['large', 'middle'])
})

test('both ends keep the same connection: that of the lower id, the newer of two by one side', () => {
  const lower = [
    { id: 1, direction: 'outbound', timeline: { open: 5 } },
    { id: 2, direction: 'inbound', timeline: { open: 9 } }
  ] as const
  const higher = [
    { id: 1, direction: 'inbound', timeline: { open: 6 } },
    { id: 2, direction: 'outbound', timeline: { open: 8 } }
  ] as const
  expect(keptConnection(lower, true)?.id).toBe(1)
  expect(keptConnection(higher, false)?.id).toBe(1)
  const twice = lower.map((one) => ({ ...one, direction: 'outbound' as const }))
  expect(keptConnection(twice, true)?.id).toBe(2)
  expect(keptConnection([], true)).toBeUndefined()
})
