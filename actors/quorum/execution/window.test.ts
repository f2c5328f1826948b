import { expect, test } from 'vitest'
import type { Block } from '../index.ts'
import { Window } from './window.ts'

const blockAt = (height: number): Block => ({
  ...{ epoch: 0, view: height, height, digest: `${height}`, previous: `${height - 1}`, leader: 0, timeMs: 0 },
  ...{ seed: new Uint8Array(32), checkpoint: false, commands: [] }
})

function take(window: Window): number[] {
  const heights: number[] = []
  for (let block = window.next(); block !== undefined; block = window.next()) heights.push(block.height)
  return heights
}

const upTo = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i)

test('64 blocks are handed over, the next as each is executed; what did not fit is read again', () => {
  const window = new Window()
  for (let height = 1; height <= 300; height++) window.add(blockAt(height))
  expect(take(window)).toEqual(upTo(64))
  expect(window.isStarved).toBe(false)
  for (let height = 1; height <= 10; height++) expect(window.done(height, `${height}`)?.height).toBe(height)
  expect(take(window)).toEqual([])
  expect([window.isStarved, window.executed, window.final]).toEqual([true, 10, 300])
  for (let height = 65; height <= 300; height++) window.add(blockAt(height))
  expect(take(window)).toEqual(upTo(10, 65))
})

test('blocks come once and in order, whatever is offered twice, early or late', () => {
  const window = new Window()
  window.reset(5)
  for (const height of [5, 7, 6, 6, 8, 7, 3, 8]) window.add(blockAt(height))
  expect(take(window)).toEqual([6, 7, 8])
  for (const height of [8, 10, 9]) window.add(blockAt(height))
  expect(take(window)).toEqual([9])
})

test('only the next block, with its own digest, counts as executed', () => {
  const window = new Window()
  for (let height = 1; height <= 3; height++) window.add(blockAt(height))
  take(window)
  expect(window.done(2, '2')).toBeUndefined()
  expect(window.done(1, 'other')).toBeUndefined()
  expect(window.done(1, '1')?.height).toBe(1)
  expect(window.done(1, '1')).toBeUndefined()
})
