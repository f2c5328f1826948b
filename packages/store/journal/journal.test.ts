import { mkdtemp, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Disk, Store } from '@brume/ports'
import { memoryStore } from '@brume/testkit'
import { journalCompliance } from '@brume/testkit/compliance'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type JournalOptions, nodeDisk, type OpenedJournal, openJournal, openStore } from '../index.ts'
import { SEGMENT_BYTES_MIN } from './layout.ts'

const OWNER = new Uint8Array(32).fill(7)
const WAIT = { timeout: 20_000, interval: 2 }
const until = (condition: () => boolean, what: string) => vi.waitFor(() => expect(condition(), what).toBe(true), WAIT)

const folders: string[] = []
afterEach(async () => {
  for (const path of folders.splice(0)) await rm(path, { recursive: true, force: true })
})

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'brume-journal-'))
  folders.push(path)
  return path
}

for (const segmentBytes of [SEGMENT_BYTES_MIN, undefined]) {
  journalCompliance(`files of ${segmentBytes ?? 'the usual'} bytes`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'brume-journal-'))
    const store = await openStore(join(directory, 'store'))
    const options = {
      directory: join(directory, 'journal'),
      owner: OWNER,
      store,
      ...(segmentBytes && { segmentBytes })
    }
    let isBorn = false
    return {
      until,
      open: async () => {
        const journal = await openJournal({ ...options, expected: isBorn })
        isBorn = true
        return journal
      },
      settle: (promise) => promise,
      end: async () => {
        await store.close()
        await rm(directory, { recursive: true, force: true })
      }
    }
  })
}

interface Setup {
  readonly directory: string
  readonly store: Store
  open(more?: Partial<JournalOptions>): Promise<OpenedJournal>
}

async function setup(): Promise<Setup> {
  const directory = await folder()
  const store = memoryStore()
  const base = { directory, store, owner: OWNER, expected: true, segmentBytes: SEGMENT_BYTES_MIN }
  return { directory, store, open: (more) => openJournal({ ...base, ...more }) }
}

async function append(journal: OpenedJournal, count: number, bytes = 100): Promise<void> {
  let confirmed = 0
  for (let index = 0; index < count; index += 1) {
    journal.append(1, new Uint8Array(bytes).fill(index), (error) => {
      expect(error).toBeUndefined()
      confirmed += 1
    })
  }
  await until(() => confirmed === count, 'all records are confirmed')
}

const segmentsOf = async (directory: string) => (await readdir(directory)).filter((name) => name.endsWith('.bj')).sort()

async function born({ open }: Setup, records = 10): Promise<void> {
  const journal = await open({ expected: false })
  await append(journal, records)
  await journal.close()
}

describe('the verdict at open', () => {
  it('is clean, and tells a clean stop from another', async () => {
    const world = await setup()
    await born(world)
    const journal = await world.open()
    expect(journal).toMatchObject({ verdict: 'clean', cleanStop: true, storeBehind: false })
    await append(journal, 1)
    const copy = await folder()
    for (const name of await segmentsOf(world.directory)) {
      await writeFile(join(copy, name), await readFile(join(world.directory, name)))
    }
    await journal.close()
    const killed = await world.open({ directory: copy, store: memoryStore() })
    expect(killed).toMatchObject({ verdict: 'clean', cleanStop: false, storeBehind: true })
    expect([...killed.replay()]).toHaveLength(11)
    await killed.close()
  })

  it('is torn for a cut record, which is removed for good', async () => {
    const world = await setup()
    await born(world)
    const [name = ''] = await segmentsOf(world.directory)
    // The last record is the checkpoint of the clean stop.
    const copy = { directory: await folder(), store: memoryStore() }
    const bytes = await readFile(join(world.directory, name))
    const end = bytes.findLastIndex((byte) => byte !== 0)
    bytes.fill(0, end - 10)
    await writeFile(join(copy.directory, name), bytes)
    const torn = await world.open(copy)
    expect(torn.verdict).toBe('torn')
    expect([...torn.replay()]).toHaveLength(10)
    expect(torn).toMatchObject({ since: 1, cutAt: 11 })
    await append(torn, 2)
    await torn.close()
    const again = await world.open(copy)
    expect(again.verdict).toBe('clean')
    expect([...again.replay()]).toHaveLength(12)
    // Whoever asks around after a cut may be killed before it has heard everybody.
    expect(again.cutAt).toBe(11)
    again.release(12)
    await again.close()
    const released = await world.open(copy)
    expect(released.cutAt).toBe(0)
    await released.close()
  })

  it('is lost where the journal is gone, older than its mark, or begins too late', async () => {
    const gone = await setup()
    await born(gone)
    for (const name of await segmentsOf(gone.directory)) await unlink(join(gone.directory, name))
    // LevelDB's mark alone knows of it: the identity file may be as old as the journal's absence.
    expect(await verdictOf(gone, { expected: false })).toBe('lost')

    const never = await setup()
    expect(await verdictOf(never, { expected: true })).toBe('lost')

    const older = await setup()
    await born(older)
    const [name = ''] = await segmentsOf(older.directory)
    const old = await readFile(join(older.directory, name))
    await born(older, 100)
    await writeFile(join(older.directory, name), old)
    expect(await verdictOf(older, {})).toBe('lost')

    const late = await setup()
    const journal = await late.open({ expected: false })
    await append(journal, 600, 1_000)
    await journal.close()
    const [first = '', ...others] = await segmentsOf(late.directory)
    expect(others.length).toBeGreaterThan(2)
    await unlink(join(late.directory, first))
    expect(await verdictOf(late, {})).toBe('lost')
  })

  it('is damaged for a flipped bit, another owner or a gap; the files go to quarantine for a week', async () => {
    const world = await setup()
    await born(world)
    const [name = ''] = await segmentsOf(world.directory)
    const bytes = await readFile(join(world.directory, name))
    bytes[200] = (bytes[200] ?? 0) ^ 1
    await writeFile(join(world.directory, name), bytes)
    expect(await verdictOf(world, {})).toBe('damaged')
    const place = join(world.directory, 'quarantine')
    const [kept = ''] = await readdir(place)
    expect(await readFile(join(place, kept))).toEqual(bytes)
    const week = 7 * 24 * 3_600_000
    const clock = { now: () => performance.now(), wall: () => Date.now() + week + 60_000, after: () => () => undefined }
    const later = await world.open({ clock })
    expect(await readdir(place)).toEqual([])
    await later.close()

    const other = await setup()
    await born(other)
    expect(await verdictOf(other, { owner: new Uint8Array(32).fill(8) })).toBe('damaged')
  })

  it('stays lost until the new beginning is released, and counts on above all that was', async () => {
    const world = await setup()
    await born(world, 20)
    for (const name of await segmentsOf(world.directory)) await truncate(join(world.directory, name), 10)
    const first = await world.open()
    expect(first.verdict).toBe('damaged')
    expect(first.append(1, Uint8Array.of(1))).toBeGreaterThan(20)
    await first.close()
    const second = await world.open()
    expect(second.verdict).toBe('lost')
    expect([...second.replay()]).toHaveLength(1)
    const sequence = second.append(1, Uint8Array.of(2))
    second.release(sequence)
    await second.close()
    expect(await verdictOf(world, {})).toBe('clean')
  })

  it('leaves a journal of a later format untouched', async () => {
    const world = await setup()
    await born(world)
    const [name = ''] = await segmentsOf(world.directory)
    const { crc32 } = await import('node:zlib')
    const bytes = await readFile(join(world.directory, name))
    bytes.writeUInt16BE(2, 8)
    bytes.writeUInt32BE(crc32(bytes.subarray(0, 92)), 92)
    await writeFile(join(world.directory, name), bytes)
    await expect(world.open()).rejects.toMatchObject({ name: 'JournalError', code: 'BRUME_JOURNAL_VERSION' })
    expect(await readFile(join(world.directory, name))).toEqual(bytes)
  })
})

async function verdictOf(world: Setup, more: Partial<JournalOptions>) {
  const journal = await world.open(more)
  await journal.close()
  return journal.verdict
}

describe('writing', () => {
  it('makes one write of one turn, however many records, each at most 1 MiB', async () => {
    const world = await setup()
    const reports: number[] = []
    const journal = await world.open({
      expected: false,
      segmentBytes: 8 * 1024 * 1024,
      onSynced: ({ records, bytes }) => {
        expect(bytes).toBeLessThanOrEqual(1024 * 1024)
        reports.push(records)
      }
    })
    await append(journal, 500)
    expect(reports).toEqual([500])
    await append(journal, 40, 60_000)
    expect(reports.length).toBe(4)
    await journal.close()
  })

  it('rolls over to files made ahead, and drops those that are released', async () => {
    const world = await setup()
    const journal = await world.open({ expected: false })
    for (let round = 0; round < 12; round += 1) await append(journal, 50, 1_000)
    const before = await segmentsOf(world.directory)
    expect(before.length).toBeGreaterThan(4)
    expect(await readdir(world.directory)).toContain('prepared.tmp')
    journal.release(400)
    await journal.close()
    const after = await segmentsOf(world.directory)
    expect(after.length).toBeLessThan(before.length)
    const again = await world.open()
    expect(again.verdict).toBe('clean')
    const sequences = [...again.replay()].map(({ sequence }) => sequence)
    expect(sequences[0]).toBeLessThanOrEqual(400)
    expect(sequences).toContain(400)
    expect(sequences).toContain(600)
    await again.close()
  })

  it('calls every caller though one throws', async () => {
    const world = await setup()
    const journal = await world.open({ expected: false })
    const thrown: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', (error) => void thrown.push(error))
    let isCalled = false
    journal.append(1, Uint8Array.of(1), () => {
      throw new Error('thrown on purpose')
    })
    journal.append(1, Uint8Array.of(2), () => {
      isCalled = true
    })
    await until(() => isCalled && thrown.length === 1, 'the second was called and the throw surfaced')
    for (const listener of listeners) process.on('uncaughtException', listener)
    await journal.close()
  })

  it('ends for good when a sync fails', async () => {
    const world = await setup()
    const faults: Faults = {}
    const failures: unknown[] = []
    const options = { disk: faultyDisk(faults), onFailed: (error: Error) => void failures.push(error) }
    const journal = await world.open({ ...options, expected: false })
    await append(journal, 3)
    faults.commit = 'EIO'
    const answers: (Error | undefined)[] = []
    for (let index = 0; index < 3; index += 1) journal.append(1, Uint8Array.of(1), (error) => answers.push(error))
    await until(() => answers.length === 3, 'the appends were answered')
    delete faults.commit
    expect(journal.append(1, Uint8Array.of(1), (error) => answers.push(error))).toBe(0)
    await until(() => answers.length === 4, 'the late append was answered')
    for (const error of answers) expect(error).toMatchObject({ code: 'BRUME_JOURNAL_FAILED' })
    expect(answers[0]?.cause).toMatchObject({ code: 'EIO' })
    expect(failures).toHaveLength(1)
    await journal.close()
    const again = await world.open()
    expect(again.verdict).toBe('clean')
    expect([...again.replay()]).toHaveLength(3)
    await again.close()
  })

  it('takes nothing while the disk is full, and goes on when there is space', async () => {
    const world = await setup()
    const faults: Faults = {}
    const journal = await world.open({ disk: faultyDisk(faults), expected: false })
    faults.preallocate = 'ENOSPC'
    // The second half of the segment holds these; the next segment cannot be made.
    await append(journal, 40, 1_000)
    let answer: Error | undefined
    const refused = () =>
      journal.append(1, Uint8Array.of(1), (error) => {
        answer = error
      }) === 0
    await until(refused, 'an append is refused')
    await until(() => answer !== undefined, 'and told why')
    expect(answer).toMatchObject({ code: 'BRUME_JOURNAL_FULL', cause: { code: 'ENOSPC' } })
    delete faults.preallocate
    await until(() => !refused(), 'an append is taken again')
    await append(journal, 200, 1_000)
    await journal.close()
    expect(await verdictOf(world, {})).toBe('clean')
  })

  it('closes while the disk is full, and tells whoever waits', async () => {
    const world = await setup()
    const faults: Faults = {}
    const journal = await world.open({ disk: faultyDisk(faults), expected: false })
    faults.preallocate = 'ENOSPC'
    const answers: (Error | undefined)[] = []
    for (let index = 0; index < 5; index += 1) journal.append(1, new Uint8Array(50_000), (error) => answers.push(error))
    await journal.close()
    expect(answers).toHaveLength(5)
    expect(answers[0]).toBeUndefined()
    expect(answers.at(-1)).toMatchObject({ code: 'BRUME_JOURNAL_FULL' })
    const again = await world.open()
    expect(again.verdict).toBe('clean')
    expect([...again.replay()]).toHaveLength(answers.filter((error) => error === undefined).length)
    await again.close()
  })

  it('refuses what a slow disk cannot take, instead of filling memory', async () => {
    const world = await setup()
    const journal = await world.open({ expected: false, segmentBytes: 64 * 1024 * 1024 })
    const payload = new Uint8Array(65_536)
    const answers: (Error | undefined)[] = []
    for (let index = 0; index < 300; index += 1) journal.append(1, payload, (error) => answers.push(error))
    await until(() => answers.length === 300, 'all are answered')
    const refused = answers.filter((error) => error !== undefined)
    expect(refused.length).toBeGreaterThan(30)
    for (const error of refused) expect(error).toMatchObject({ code: 'BRUME_JOURNAL_BACKLOG' })
    await append(journal, 1)
    await journal.close()
  }, 60_000)
})

interface Faults {
  commit?: string
  preallocate?: string
}

function faultyDisk(faults: Faults): Disk {
  const disk = nodeDisk()
  const fail = (code: string | undefined): void => {
    if (code !== undefined) throw Object.assign(new Error(`${code}: on purpose`), { code })
  }
  return {
    ...disk,
    preallocate: async (path, bytes) => {
      fail(faults.preallocate)
      const file = await disk.preallocate(path, bytes)
      return {
        commit: async (position, data) => {
          fail(faults.commit)
          await file.commit(position, data)
        },
        close: () => file.close()
      }
    }
  }
}
