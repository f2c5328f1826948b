import { expect, test } from 'vitest'
import type { Inspected } from '../ports.ts'
import { Pool, type Waiting } from './pool.ts'
import { Sessions } from './sessions.ts'

const BYTES = new Uint8Array(100)
const ROOM = { commands: 4, bytes: 10_000 }

function command(client: number, sequence: number): Waiting {
  const inspected: Inspected = { client: new Uint8Array(32).fill(client), session: 1, sequence, expiresMs: 1_000 }
  return { id: `${client}/${sequence}`, bytes: BYTES, inspected }
}

function setUp(waiting: readonly (readonly [client: number, count: number])[]) {
  const sessions = new Sessions()
  const pool = new Pool(sessions)
  for (const [client, count] of waiting) for (let i = 1; i <= count; i++) pool.add(command(client, i))
  const order = (commands: readonly Waiting[]) => {
    for (const { id, inspected } of commands) {
      expect(sessions.take(inspected, 0)).toBe(true)
      pool.remove(id)
    }
  }
  const take = (ancestors: readonly Waiting[] = []) =>
    pool.take(
      ROOM,
      0,
      ancestors.map(({ inspected }) => inspected),
      5
    )
  return { pool, take, order, ids: (commands: readonly Waiting[]) => commands.map(({ id }) => id) }
}

test('a client that sent much first does not keep one that sent little waiting', () => {
  const { take, ids } = setUp([
    [1, 40],
    [2, 1],
    [3, 2]
  ])
  expect(ids(take())).toEqual(['1/1', '2/1', '3/1', '1/2'])
})

test('with more clients than a block has room for, all are served before one is served twice', () => {
  const clients = Array.from({ length: 10 }, (_, i) => [i + 1, 3] as const)
  const { take, order } = setUp(clients)
  const served = new Map<number, number>()
  for (let block = 1; block <= 5; block++) {
    const taken = take()
    for (const { inspected } of taken) {
      const client = inspected.client[0] ?? 0
      served.set(client, (served.get(client) ?? 0) + 1)
    }
    order(taken)
  }
  expect([...served.values()].sort()).toEqual(Array(10).fill(2))
})

test('whoever has something in a block that is not final yet comes after the others, and goes on where it ended', () => {
  const { take, ids } = setUp([
    [1, 3],
    [2, 3],
    [3, 3],
    [4, 3],
    [5, 1]
  ])
  const first = take()
  expect(ids(first)).toEqual(['1/1', '2/1', '3/1', '4/1'])
  expect(ids(take(first))).toEqual(['5/1', '1/2', '2/2', '3/2'])
})

test('the oldest of all come by their age, whoever sent them', () => {
  const { pool, ids } = setUp([
    [1, 3],
    [2, 1]
  ])
  expect(ids(pool.oldest(3))).toEqual(['1/1', '1/2', '1/3'])
})
