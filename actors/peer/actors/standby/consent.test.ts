import { createLog } from '@brume/observe'
import type { Placement } from '@brume/runtime/standby'
import { expect, test } from 'vitest'
import { Consent } from './consent.ts'

const GROUP = 'group/a'
const placed = (holder: string, inSync: readonly string[] = []): Placement => ({
  ...{ epoch: 1, version: 1, holder, inSync, copies: ['own', 'a', 'b'], minInSync: 1, kind: 'light', begun: true }
})

/** A peer that has this kind copied for a alone. */
function peer() {
  const consents = (kind: string, of: string) => kind !== 'light' || of === 'a'
  const consent = new Consent({ self: 'own', log: createLog({ level: 'silent' }), consents })
  return (placement: Placement) => [...consent.of(GROUP, new Map([['placement/hall', placement]])).keys()]
}

test('a copy is kept for a holder whom the registration of its kind names, and for no other', () => {
  expect([peer()(placed('a')), peer()(placed('b'))]).toEqual([['placement/hall'], []])
  expect(peer()({ ...placed('b'), kind: 'other' })).toEqual(['placement/hall'])
})

test('one that others count on stays, whoever holds the actor by now', () => {
  const kept = peer()
  expect([kept(placed('a')), kept(placed('b'))]).toEqual([['placement/hall'], ['placement/hall']])
  expect([peer()(placed('b', ['own'])), peer()(placed('own'))]).toEqual([['placement/hall'], ['placement/hall']])
})

test('what others have among themselves is none of this', () => {
  expect(peer()({ ...placed('b'), copies: ['a', 'b'] })).toEqual(['placement/hall'])
})
