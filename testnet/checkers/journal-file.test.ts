import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openJournal, openStore } from '@brume/store'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readJournalFolder } from './journal-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brume-checker-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Payloads that fill more than one of the smallest segments. */
const PAYLOADS = Array.from({ length: 60 }, (_, i) => Buffer.alloc(1 + ((i * 997) % 9_000), i))

async function writeJournal(): Promise<string> {
  const directory = join(folder, 'journal')
  const store = await openStore(join(folder, 'store'))
  const journal = await openJournal({
    directory,
    store,
    owner: new Uint8Array(32).fill(7),
    expected: false,
    segmentBytes: 131_168
  })
  for (const [i, payload] of PAYLOADS.entries()) journal.append(1 + (i % 3), payload)
  await journal.close()
  await store.close()
  return directory
}

test('reads back what the production journal wrote, across segments', async () => {
  const directory = await writeJournal()
  const own = readJournalFolder(directory).filter(({ kind }) => kind < 0xff00)
  expect(readdirSync(directory).filter((name) => name.endsWith('.bj')).length).toBeGreaterThan(1)
  expect(own.map(({ kind }) => kind)).toEqual(PAYLOADS.map((_, i) => 1 + (i % 3)))
  expect(own.every(({ payload }, i) => payload.equals(PAYLOADS[i] ?? Buffer.alloc(0)))).toBe(true)
})

test('a flipped byte ends its segment: nothing invalid is believed', async () => {
  const directory = await writeJournal()
  const [first = ''] = readdirSync(directory).sort()
  const bytes = readFileSync(join(directory, first))
  const at = 96 + 56 + 8 + 56 + 3
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  writeFileSync(join(directory, first), bytes)
  const whole = readJournalFolder(directory)
  expect(whole.some(({ payload }) => payload.equals(PAYLOADS[1] ?? Buffer.alloc(0)))).toBe(false)
})

test('no folder, no records', () => {
  expect(readJournalFolder(join(folder, 'nothing'))).toEqual([])
})
