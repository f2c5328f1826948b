import { describe, expect, test } from 'vitest'
import { judge, type PlacementState } from './placement.ts'
import type { Placement, PlacementEvent } from './port.ts'

const at: Placement = {
  ...{ epoch: 3, version: 7, holder: 'a', inSync: ['b', 'c'], copies: ['a', 'b', 'c', 'd'] },
  ...{ minInSync: 1, kind: 'x', begun: true }
}
const now = { path: 'x', epoch: 3, version: 7 }
const state = (fields: Partial<Placement> = {}): PlacementState => ({ placement: { ...at, ...fields }, floor: 0 })
const place = { type: 'place', path: 'x', kind: 'x', copies: ['a', 'b'], minInSync: 1 } as const

describe('the placement group', () => {
  test.each<[string, PlacementEvent, string, Partial<Placement>]>([
    ['a follower in step', { type: 'take', ...now }, 'b', { epoch: 4, holder: 'b', inSync: ['c'] }],
    ['a holder that comes back', { type: 'take', ...now }, 'a', { epoch: 4 }],
    ['a drop', { type: 'drop', ...now, peer: 'b' }, 'a', { inSync: ['c'] }],
    ['a join', { type: 'join', ...now, peer: 'd' }, 'a', { inSync: ['b', 'c', 'd'] }],
    ['a hand', { type: 'hand', ...now, to: 'c', stays: true }, 'a', { epoch: 4, holder: 'c', inSync: ['b', 'a'] }],
    ['a last hand', { type: 'hand', ...now, to: 'c', stays: false }, 'a', { epoch: 4, holder: 'c', inSync: ['b'] }]
  ])('allows %s', (_, event, peer, changed) => {
    expect(judge(state(), event, peer)).toEqual({ next: { ...at, version: 8, ...changed } })
  })

  test.each<[string, PlacementEvent, string | null, string]>([
    ['a takeover of what was', { type: 'take', ...now, version: 6 }, 'b', 'behind'],
    ['a takeover in an epoch that was', { type: 'take', ...now, epoch: 2 }, 'b', 'behind'],
    ['one that is not in step', { type: 'take', ...now }, 'd', 'forbidden'],
    ['a drop by a follower', { type: 'drop', ...now, peer: 'a' }, 'b', 'forbidden'],
    ['nobody', { type: 'take', ...now }, null, 'forbidden'],
    ['a join of a stranger', { type: 'join', ...now, peer: 'e' }, 'a', 'invalid'],
    ['a join of one in step', { type: 'join', ...now, peer: 'b' }, 'a', 'invalid'],
    ['a hand to one that is not in step', { type: 'hand', ...now, to: 'd', stays: true }, 'a', 'invalid'],
    ['a second place', place, 'a', 'taken']
  ])('refuses %s', (_, event, peer, refusal) => {
    expect(judge(state(), event, peer)).toBe(refusal)
  })

  test('lets a drop and a takeover of one version not both happen', () => {
    const dropped = judge(state(), { type: 'drop', ...now, peer: 'b' }, 'a')
    if (typeof dropped === 'string') throw new RangeError(dropped)
    expect(judge({ placement: dropped.next, floor: 0 }, { type: 'take', ...now }, 'b')).toBe('behind')
    expect(judge(state({ inSync: ['b'] }), { type: 'drop', ...now, peer: 'b' }, 'a')).toBe('few')
  })

  test('places what is not there, above all epochs that were', () => {
    const removed: PlacementState = { placement: null, floor: 5 }
    expect(judge(removed, place, 'a')).toMatchObject({ next: { epoch: 6, version: 1, holder: 'a', inSync: [] } })
    expect(judge(removed, place, 'c')).toBe('invalid')
    expect(judge(removed, { ...place, minInSync: 2 }, 'a')).toBe('invalid')
    expect(judge(removed, { ...place, copies: ['a', 'a'] }, 'a')).toBe('invalid')
    expect(judge(removed, { type: 'take', ...now }, 'a')).toBe('behind')
  })
})
