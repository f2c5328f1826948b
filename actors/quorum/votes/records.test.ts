import { memoryJournal, newMedium, SimClock } from '@brume/testkit'
import { expect, test } from 'vitest'
import { appendRecord, RECORD, recordsOf } from './records.ts'

const GROUP = new Uint8Array(32).fill(1)
const OTHER = new Uint8Array(32).fill(2)

const bytes = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff)

function open(medium = newMedium()) {
  const clock = new SimClock()
  return { clock, medium, journal: memoryJournal({ clock, medium }) }
}

const found = (medium: ReturnType<typeof newMedium>, group = GROUP) =>
  [...recordsOf(open(medium).journal, group)].map(({ kind, bytes }) => [kind, Buffer.from(bytes).toString('hex')])

const hex = (kind: number, value: Uint8Array) => [kind, Buffer.from(value).toString('hex')]

test('a record of any size comes back whole, and is confirmed once all of it is on disk', async () => {
  const { clock, medium, journal } = open()
  const sizes = [1, 61_440, 61_441, 132_000, 400_000]
  let synced = 0
  for (const size of sizes) {
    appendRecord(journal, GROUP, RECORD.block, bytes(size, size), () => {
      synced += 1
    })
    appendRecord(journal, OTHER, RECORD.vote, bytes(9, size))
  }
  await clock.until(() => synced === sizes.length, 10_000)
  expect(found(medium)).toEqual(sizes.map((size) => hex(RECORD.block, bytes(size, size))))
  expect(found(medium, OTHER)).toEqual(sizes.map((size) => hex(RECORD.vote, bytes(9, size))))
  const [, , third] = [...recordsOf(open(medium).journal, GROUP)]
  expect(medium.records.find(({ sequence }) => sequence === third?.sequence)?.kind).toBe(RECORD.part)
})

test('of one that a crash cut short nothing is left, whatever follows', async () => {
  for (const kept of [1, 2]) {
    const { medium, journal } = open()
    appendRecord(journal, GROUP, RECORD.block, bytes(150_000, 3))
    journal.crash(kept)
    const again = open(medium)
    let synced = 0
    const done = () => {
      synced += 1
    }
    appendRecord(again.journal, GROUP, RECORD.vote, bytes(5, 1), done)
    appendRecord(again.journal, GROUP, RECORD.block, bytes(130_000, 4), done)
    await again.clock.until(() => synced === 2, 10_000)
    expect(found(medium)).toEqual([hex(RECORD.vote, bytes(5, 1)), hex(RECORD.block, bytes(130_000, 4))])
  }
})

test('what no journal holds is refused before any of it is written', () => {
  const { medium, journal } = open()
  expect(() => appendRecord(journal, GROUP, RECORD.block, bytes(500_000, 1))).toThrow(RangeError)
  expect(medium.records).toEqual([])
})
