import { expect, test } from 'vitest'
import { run } from './testing.ts'

const EXAMPLE_MS = 300_000

test('quick start: four peers agree, a fifth reads what none of them could have made up', {
  timeout: EXAMPLE_MS
}, async () => {
  const [answer, ...read] = await run('quick-start')
  expect(answer).toBe('5')
  const [, value, finalizers, attesters] = /^(\d+) \[([^\]]+)\] \[([^\]]+)\]$/.exec(read.join(' ')) ?? []
  expect(value).toBe('5')
  expect(peers(finalizers).length).toBeGreaterThanOrEqual(3)
  expect(peers(attesters).length).toBeGreaterThanOrEqual(2)
})

/** Distinct peer ids in what was printed of a list. */
const peers = (list = ''): readonly string[] => [...new Set(list.match(/12D3KooW[1-9A-HJ-NP-Za-km-z]+/g))]

test('shopping list: three homes, one of which is away for a while', { timeout: EXAMPLE_MS }, async () => {
  expect(await run('shopping-list')).toEqual([
    'ana: bread, milk',
    'ben: bread, milk',
    'cem: bread, milk',
    'cem, while ana is away: bread, eggs',
    'ana, back again: bread, eggs'
  ])
})

test('thermostat: its timer is on the disk', { timeout: EXAMPLE_MS }, async () => {
  expect(await run('thermostat')).toEqual([
    'it is cold: heating',
    'after a restart, and the rest of the time: resting 1'
  ])
})

test('escrow: each party acts for itself, and nobody for all', { timeout: EXAMPLE_MS }, async () => {
  expect(await run('escrow')).toEqual(['100 held', 'on its way', 'BRUME_RUNTIME_REJECTED', 'paid out', 'over done'])
})
