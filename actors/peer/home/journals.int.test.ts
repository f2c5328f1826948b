import { mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '@brume/ports'
import { systemClock, systemRandom } from '@brume/ports/system'
import { nodeDisk, openStore } from '@brume/store'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDataDir } from '../data/index.ts'
import { openJournals } from './journals.ts'

let directory: string
let warnings: string[]
const log: Log = {
  debug() {},
  info() {},
  warn: (_: object, message: string) => void warnings.push(message),
  error() {},
  child: () => log
}

beforeEach(async () => {
  warnings = []
  directory = await mkdtemp(join(tmpdir(), 'brume-journals-'))
})
afterEach(() => rm(directory, { recursive: true }))

/** One life: what it had to say of its journals, and where they lie. */
async function live(): Promise<string> {
  const ports = { random: systemRandom(), clock: systemClock(), log }
  const data = await openDataDir({ directory, host: 'a'.repeat(64), openStore, ...ports })
  const onFailed = (error: Error): never => {
    throw error
  }
  const journals = await openJournals({ data, disk: nodeDisk(), clock: ports.clock, log, onFailed })
  await journals.close()
  await data.store.close()
  return data.layout.journal
}

async function damage(folder: string): Promise<void> {
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.bj'))) {
    const file = await open(join(folder, name), 'r+')
    await file.write(new Uint8Array(8).fill(0xff), 0, 8, 0)
    await file.close()
  }
}

it('says what follows where a journal does not hold what was said', async () => {
  const folder = await live()
  await live()
  expect(warnings).toEqual([])
  await damage(join(folder, 'quorum'))
  await live()
  expect(warnings).toEqual([
    expect.stringMatching(/^the quorum journal is damaged: this member .* abstains .*quarantine\.$/)
  ])
  await damage(join(folder, 'membership'))
  await live()
  expect(warnings).toContainEqual(
    expect.stringMatching(/^the membership journal is damaged: this peer asks the others/)
  )
})
