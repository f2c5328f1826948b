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
