import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore } from '@brume/testkit'
import { expect, test } from 'vitest'
import { openJournal } from '../index.ts'
import { SEGMENT_BYTES_MIN } from './layout.ts'

const DEADLINE_MS = 60_000

/** A file system of 256 KiB of memory: two small segments fit, a third does not beside the filler. */
function mountSmall(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'brume-full-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmSync(folder, { recursive: true })
    return undefined
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error('waited too long')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const folder = mountSmall()
if (folder === undefined) console.log('SKIP integration/journal-full-disk: mounting a small file system needs root')

test.skipIf(folder === undefined)('a real file system without space: refused, then taken again', async () => {
  const place = folder ?? ''
  try {
    const journal = await openJournal({
      directory: join(place, 'journal'),
      owner: new Uint8Array(32),
      store: memoryStore(),
      expected: false,
      segmentBytes: SEGMENT_BYTES_MIN
    })
    writeFileSync(join(place, 'filler'), new Uint8Array(130_000))
    const answers: (string | undefined)[] = []
    const append = () => {
      journal.append(1, new Uint8Array(1_000), (error) => {
        answers.push(error === undefined ? undefined : String(Reflect.get(error, 'code')))
      })
    }
    for (let asked = 0; answers.at(-1) === undefined && asked < 100; asked++) {
      append()
      await until(() => answers.length > asked)
    }
    expect(answers.length).toBeGreaterThan(30)
    expect(answers.at(-1)).toBe('BRUME_JOURNAL_FULL')
    rmSync(join(place, 'filler'))
    let asked = answers.length
    while (answers.at(-1) !== undefined) {
      append()
      asked += 1
      await until(() => answers.length === asked)
    }
    const confirmed = answers.filter((answer) => answer === undefined).length
    await journal.close()
    expect(confirmed).toBeGreaterThan(30)
  } finally {
    execFileSync('umount', [place])
    rmSync(place, { recursive: true })
  }
})
