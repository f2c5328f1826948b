import { expect, test } from 'vitest'
import { run } from './testing.ts'

const EXAMPLE_MS = 300_000

test('quick start: four peers agree, a fifth reads what none of them could have made up', {
  timeout: EXAMPLE_MS
}, async () => {
  const [answer, ...read] = await run('quick-start')
  expect(answer).toBe('5')
  const [value, finalizers, attesters] = read.join(' ').split(' ').map(Number)
  expect(value).toBe(5)
  expect(finalizers).toBeGreaterThanOrEqual(3)
  expect(attesters).toBeGreaterThanOrEqual(2)
})

test('actors of one peer each: what they are told, what they forget, what they survive', {
  timeout: EXAMPLE_MS
}, async () => {
  expect(await run('shopping-list', 'thermostat', 'chat-room', 'order-saga', 'worker-pool')).toEqual([
    'ana: bread, milk',
    'ben: bread, milk',
    'cem: bread, milk',
    'cem, while ana is away: bread, eggs',
    'ana, back again: bread, eggs',
    'it is cold: heating',
    'after a restart, and the rest of the time: resting 1',
    'ana heard ben: is there tea?, ana: in a minute',
    'ben heard ben: is there tea?, ana: in a minute',
    '2 lines',
    'tea: paid',
    'cups: undone declined',
    'honey: undone nobody paid',
    '{ tea: 9, cups: 10, honey: 10 }',
    'done: bind, reap, sow',
    'worker w1: restarted',
    'dead letter: w1 broken failed'
  ])
})

test('groups: each party of a deal acts for itself, and a member that lies proves nothing', {
  timeout: EXAMPLE_MS
}, async () => {
  expect(await run('escrow', 'ledger')).toEqual([
    ...['100 held', 'on its way', 'BRUME_RUNTIME_REJECTED', 'paid out', 'over done'],
    'ana has 70 left',
    'mallory has not that much',
    '{ accounts: { ana: 70, ben: 30 } } and mallory could prove nothing'
  ])
})

test('standby: the holder is killed, and nobody who counts is lost', { timeout: EXAMPLE_MS }, async () => {
  expect(await run('standby')).toEqual(['1 2 3', 'its holder is gone', '4 5 6'])
})
