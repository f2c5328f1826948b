import { storeCompliance } from '@brume/testkit/compliance'
import { expect, test } from 'vitest'
import { memoryJournal } from './memory-journal.ts'
import { memoryStore } from './memory-store.ts'

storeCompliance('of a peer in memory', async () => memoryStore())

test('its journal confirms later and in order, and refuses once it is closed', async () => {
  const journal = memoryJournal()
  const heard: unknown[] = []
  const append = (): number => journal.append(1, Uint8Array.of(1), (error) => heard.push(error?.name))
  expect([append(), append()]).toEqual([1, 2])
  expect(heard).toEqual([])
  await journal.close()
  expect(heard).toEqual([undefined, undefined])
  expect(append()).toBe(0)
  await Promise.resolve()
  expect(heard).toEqual([undefined, undefined, 'JournalError'])
  expect(() => journal.append(1, new Uint8Array())).toThrow(/1 to 65,?536/)
})
