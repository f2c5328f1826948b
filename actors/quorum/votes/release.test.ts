import { memoryJournal, SimClock } from '@brume/testkit'
import { expect, test } from 'vitest'
import { SharedJournal } from './release.ts'

test('what one group no longer needs stays while another does', () => {
  const clock = new SimClock()
  const journal = memoryJournal({ clock })
  const shared = new SharedJournal(journal)
  const a = shared.of('a')
  const b = shared.of('b')
  for (const group of [a, b, a, b]) group.append(1, Uint8Array.of(1))
  clock.run(10)
  const kept = () => journal.medium.records.map(({ sequence }) => sequence)
  a.release(4)
  expect(kept()).toEqual([1, 2, 3, 4])
  b.release(3)
  expect(kept()).toEqual([3, 4])
  b.release(4)
  expect(kept()).toEqual([4])
})

test('a group that has nothing to do is told when much lies behind what it needs, once for so much', () => {
  const clock = new SimClock()
  const journal = memoryJournal({ clock })
  const shared = new SharedJournal(journal, 10_000)
  const idle = shared.of('idle')
  const busy = shared.of('busy')
  let told = 0
  idle.onPinned(() => told++)
  const needed = idle.append(1, Uint8Array.of(1))
  const write = (count: number) => {
    let last = 0
    for (let i = 0; i < count; i++) last = busy.append(1, new Uint8Array(936))
    busy.release(last)
    clock.run(10)
  }
  write(5)
  expect(told).toBe(0)
  write(5)
  expect(told).toBe(1)
  write(5)
  expect(told).toBe(1)
  expect(journal.medium.records[0]?.sequence).toBe(needed)
  const again = idle.append(1, Uint8Array.of(1))
  idle.release(again)
  clock.run(10)
  expect(journal.medium.records[0]?.sequence).toBe(16)
})

test('a group that needs nothing holds nothing back, and what it appends later is kept', () => {
  const clock = new SimClock()
  const journal = memoryJournal({ clock })
  const shared = new SharedJournal(journal)
  const [watching, busy] = [shared.of('watching'), shared.of('busy')]
  for (let i = 0; i < 4; i++) busy.append(1, Uint8Array.of(1))
  watching.letGo()
  clock.run(10)
  busy.release(3)
  expect(journal.medium.records[0]?.sequence).toBe(3)
  watching.append(1, Uint8Array.of(1))
  clock.run(10)
  busy.release(busy.append(1, Uint8Array.of(1)))
  clock.run(10)
  expect(journal.medium.records.map(({ sequence }) => sequence)).toEqual([5, 6])
})
