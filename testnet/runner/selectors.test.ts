import fc from 'fast-check'
import { expect, test } from 'vitest'
import { choose, selectPeers } from './selectors.ts'

const NAMES = ['p1', 'p2', 'p3', 'p4'].map((name, i) => ({
  name,
  group: 'p',
  site: i < 2 ? 'attic' : 'cellar',
  operator: ''
}))

test('names, all and random:<k> may be mixed; nobody is taken twice', () => {
  expect(selectPeers(['p2', 'all'], NAMES, ['p1', 'p2'])).toEqual(['p2', 'p1'])
  expect(selectPeers(['random:2'], NAMES, ['p3', 'p4'])).toEqual(['p3', 'p4'])
})

test.each([
  ['p:*', ['p1', 'p2', 'p3', 'p4']],
  ['site:cellar', ['p3', 'p4']]
])('%s selects %j, whether they may be drawn or not', (selector, names) => {
  expect(selectPeers([selector], NAMES, [])).toEqual(names)
})

test.each(['q:*', 'site:roof', 'p9', 'random:3', 'random:0', 'random:x', ''])('%j is refused', (selector) => {
  const select = (): unknown => selectPeers([selector], NAMES, ['p1', 'p2'])
  expect(select).toThrow(expect.objectContaining({ code: 'BRUME_TESTNET_UNKNOWN_PEER' }))
})

test('choose takes exactly k distinct ones', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat()),
      fc.nat(20),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (all, k, random) => {
        const taken = choose(all, k, () => random.next().value)
        expect(new Set(taken).size).toBe(Math.min(k, all.length))
        expect(taken.every((one) => all.includes(one))).toBe(true)
      }
    )
  )
})
