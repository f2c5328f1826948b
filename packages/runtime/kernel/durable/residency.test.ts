import { SimClock } from '@brume/testkit'
import { expect, test } from 'vitest'
import { Idle } from './residency.ts'

function room(most?: number) {
  const clock = new SimClock()
  const left: string[] = []
  const staying = new Set<string>()
  const evict = (path: string): boolean => {
    if (staying.has(path)) return false
    left.push(path)
    return true
  }
  const idle = new Idle({ clock, evict, after: (delayMs, run) => clock.after(delayMs, run) }, most)
  return { clock, left, staying, idle }
}

test('who is idle for its time leaves, whoever is used stays', () => {
  const { clock, left, idle } = room()
  for (const path of ['a', 'b', 'c']) idle.used(path, 60_000)
  idle.used('short', 1_000)
  clock.run(30_000)
  expect(left).toEqual(['short'])
  idle.used('b', 60_000)
  clock.run(30_000)
  expect(left).toEqual(['short', 'a', 'c'])
  idle.gone('b')
  clock.run(100_000)
  expect(left).toEqual(['short', 'a', 'c'])
  expect(clock.size).toBe(0)
})

test('with 0 it leaves after its turn', () => {
  const { clock, left, idle } = room()
  idle.used('a', 0)
  expect(left).toEqual([])
  clock.run(0)
  expect(left).toEqual(['a'])
})

test('who must stay is asked again later, not in every turn', () => {
  const { clock, left, staying, idle } = room()
  staying.add('a')
  idle.used('a', 0)
  clock.run(1_000)
  expect(left).toEqual([])
  expect(clock.size).toBe(1)
  staying.delete('a')
  clock.run(1_000)
  expect(left).toEqual(['a'])
})

test('above the bound the longest unused of all leaves, whatever its time', () => {
  const { left, staying, idle } = room(3)
  staying.add('b')
  for (const path of ['a', 'b', 'c']) idle.used(path, path === 'a' ? 60_000 : Number.POSITIVE_INFINITY)
  idle.used('a', 60_000)
  idle.used('d', 60_000)
  expect(left).toEqual([])
  idle.used('e', 60_000)
  expect(left).toEqual(['c'])
  idle.used('f', 1)
  expect(left).toEqual(['c', 'a'])
})
