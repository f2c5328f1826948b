import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shareOut } from './shares.ts'

interface Sized {
  readonly of: number
  readonly bytes: number
}

const bytesOf = ({ bytes }: Sized) => bytes
const many = (of: number, count: number, bytes = 1): Sized[] => Array.from({ length: count }, () => ({ of, bytes }))
const countOf = (taken: readonly Sized[], client: number) => taken.filter(({ of }) => of === client).length

test('clients come by turns, and one alone may have the whole block', () => {
  const room = { commands: 8, bytes: 1_000 }
  expect(shareOut([many(0, 5), many(1, 1), many(2, 5)], room, bytesOf).map(({ of }) => of)).toEqual([
    ...[0, 1, 2],
    ...[0, 2],
    ...[0, 2, 0]
  ])
  expect(shareOut([many(0, 50)], room, bytesOf)).toHaveLength(8)
})

test('one with large commands has a quarter of the bytes before the others have theirs', () => {
  const taken = shareOut([many(0, 20, 10), many(1, 60), many(2, 60)], { commands: 1_000, bytes: 120 }, bytesOf)
  // 30 bytes each; then by turns what is left of the 120.
  expect(taken.slice(0, 63).filter(({ of }) => of === 0)).toHaveLength(3)
  expect(countOf(taken, 1) + countOf(taken, 2)).toBeGreaterThanOrEqual(60)
  expect(taken.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(120)
})

test('a command larger than a quarter goes in when its client is first', () => {
  expect(shareOut([many(0, 3, 90), many(1, 20)], { commands: 100, bytes: 100 }, bytesOf).slice(0, 2)).toEqual([
    { of: 0, bytes: 90 },
    { of: 1, bytes: 1 }
  ])
})

test('nothing is taken twice or out of order, room is kept, and none has more than a quarter while another lacks', () => {
  const client = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 })
  const room = fc.record({ commands: fc.integer({ min: 1, max: 40 }), bytes: fc.integer({ min: 1, max: 400 }) })
  fc.assert(
    fc.property(fc.array(client, { maxLength: 8 }), room, (sizes, limits) => {
      const clients = sizes.map((list, of) => list.map((bytes, place) => ({ of, bytes, place })))
      const taken = shareOut(clients, limits, bytesOf)
      expect(taken.length).toBeLessThanOrEqual(limits.commands)
      expect(taken.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(limits.bytes)
      const places = clients.map((_, of) => taken.filter((command) => command.of === of).map(({ place }) => place))
      for (const list of places) expect(list).toEqual(list.map((_, place) => place))
      const most = Math.max(1, Math.floor(limits.commands / 4))
      const greedy = places.some((list) => list.length > most)
      const lacks = places.some((list, of) => list.length < Math.min(most, clients[of]?.length ?? 0))
      // Where all of them would fit into a client's share of the bytes, only their number decides.
      const isLight = sizes.flat().reduce((sum, bytes) => sum + bytes, 0) <= limits.bytes / 4
      expect(greedy && lacks && isLight).toBe(false)
    })
  )
})
