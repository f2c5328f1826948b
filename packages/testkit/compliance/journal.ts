import type { Journal, JournalRecord } from '@brume/ports'
import { afterEach, describe, expect, it } from 'vitest'

/** One journal on one disk, opened again and again. */
export interface JournalWorld {
  /** Opens the journal; the one opened before was closed, or `crash` was called. */
  open(): Promise<Journal>
  /** Ends the process without `close`: what was not confirmed may be lost. */
  crash?(): Promise<void>
  /** Resolves when the condition holds, letting this world's time pass. */
  until(condition: () => boolean, what: string): Promise<void>
  /** Awaits a promise while this world's time passes. */
  settle<T>(promise: Promise<T>): Promise<T>
  end(): Promise<void>
}

const CASE_MS = 60_000

/** Registers the cases that every `Journal` passes. `make` gives a world with an empty disk. */
export function journalCompliance(name: string, make: () => Promise<JournalWorld>): void {
  describe(`Journal: ${name}`, () => {
    const worlds: JournalWorld[] = []
    const fresh = async (): Promise<JournalWorld> => {
      const world = await make()
      worlds.push(world)
      return world
    }
    afterEach(async () => {
      for (const world of worlds.splice(0)) await world.end()
    })
    it('confirms appends once, later, and in order', confirms(fresh), CASE_MS)
    it('gives back after a clean stop all that was appended', replays(fresh), CASE_MS)
    it('goes on with the next sequence after each open', goesOn(fresh), CASE_MS)
    it('takes 1 to 65,536 bytes and no other size', sizes(fresh), CASE_MS)
    it('takes thousands of records in one turn', many(fresh), CASE_MS)
    it('keeps what is not released', releases(fresh), CASE_MS)
    it('refuses appends after close', closes(fresh), CASE_MS)
    it('loses nothing confirmed in a crash', crashes(fresh), CASE_MS)
  })
}

type Fresh = () => Promise<JournalWorld>

const payloadOf = (index: number): Uint8Array => new Uint8Array(1 + ((index * 37) % 300)).fill(index)
const plain = (records: Iterable<JournalRecord>) =>
  [...records].map(({ sequence, kind, payload }) => ({ sequence, kind, payload: Buffer.from(payload).toString('hex') }))
const expected = (sequence: number, kind: number, payload: Uint8Array) => ({
  sequence,
  kind,
  payload: Buffer.from(payload).toString('hex')
})

async function appendAll(world: JournalWorld, journal: Journal, from: number, to: number): Promise<number[]> {
  const sequences: number[] = []
  let confirmed = 0
  for (let index = from; index < to; index += 1) {
    sequences.push(
      journal.append(index % 7, payloadOf(index), (error) => {
        expect(error).toBeUndefined()
        confirmed += 1
      })
    )
  }
  await world.until(() => confirmed === to - from, `${to - from} records are confirmed`)
  return sequences
}

const confirms = (fresh: Fresh) => async () => {
  const world = await fresh()
  const journal = await world.open()
  expect(journal.verdict).toBe('clean')
  expect([...journal.replay()]).toEqual([])
  expect(journal.syncP95Ms()).toBe(0)
  const order: number[] = []
  for (let index = 1; index <= 20; index += 1) {
    const sequence = journal.append(1, payloadOf(index), () => void order.push(index))
    expect(sequence).toBe(index)
  }
  expect(order).toEqual([])
  await world.until(() => order.length >= 20, 'all are confirmed')
  journal.append(1, payloadOf(21))
  await world.settle(journal.close())
  expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  expect(journal.syncP95Ms()).toBeGreaterThanOrEqual(0)
}

const replays = (fresh: Fresh) => async () => {
  const world = await fresh()
  const first = await world.open()
  const sequences = await appendAll(world, first, 0, 50)
  await world.settle(first.close())
  const second = await world.open()
  expect(second.verdict).toBe('clean')
  const wanted = sequences.map((sequence, index) => expected(sequence, index % 7, payloadOf(index)))
  expect(plain(second.replay())).toEqual(wanted)
  for (const { payload } of second.replay()) payload.fill(0)
  expect(plain(second.replay())).toEqual(wanted)
  await world.settle(second.close())
}

const goesOn = (fresh: Fresh) => async () => {
  const world = await fresh()
  const all: number[] = []
  for (let round = 0; round < 4; round += 1) {
    const journal = await world.open()
    expect(plain(journal.replay()).map(({ sequence }) => sequence)).toEqual(all)
    all.push(...(await appendAll(world, journal, 0, 5)))
    await world.settle(journal.close())
  }
  expect(all.every((sequence, index) => index === 0 || sequence > (all[index - 1] ?? 0))).toBe(true)
}

const sizes = (fresh: Fresh) => async () => {
  const world = await fresh()
  const journal = await world.open()
  const refused = { name: 'JournalError', code: 'BRUME_JOURNAL_RECORD' }
  const code = (bytes: number): unknown => {
    try {
      journal.append(1, new Uint8Array(bytes))
      return 'taken'
    } catch (error) {
      return error
    }
  }
  expect(code(0)).toMatchObject(refused)
  expect(code(65_537)).toMatchObject(refused)
  const payloads = [1, 7, 8, 9, 65_535, 65_536].map((length) => new Uint8Array(length).fill(length))
  let confirmed = 0
  const buffer = new Uint8Array(65_536)
  for (const payload of payloads) {
    buffer.set(payload)
    journal.append(2, buffer.subarray(0, payload.length), () => {
      confirmed += 1
    })
    // The journal has its copy once append has returned.
    buffer.fill(0)
  }
  await world.until(() => confirmed === payloads.length, 'all sizes are confirmed')
  await world.settle(journal.close())
  const again = await world.open()
  expect(plain(again.replay()).map(({ payload }) => payload)).toEqual(
    payloads.map((payload) => Buffer.from(payload).toString('hex'))
  )
  await world.settle(again.close())
}

const many = (fresh: Fresh) => async () => {
  const world = await fresh()
  const journal = await world.open()
  const sequences = await appendAll(world, journal, 0, 5_000)
  expect(sequences.every((sequence, index) => sequence === index + 1)).toBe(true)
  await world.settle(journal.close())
  const again = await world.open()
  expect(again.verdict).toBe('clean')
  expect([...again.replay()]).toHaveLength(5_000)
  await world.settle(again.close())
}

const releases = (fresh: Fresh) => async () => {
  const world = await fresh()
  const journal = await world.open()
  const sequences = await appendAll(world, journal, 0, 400)
  const floor = sequences[300] ?? 0
  journal.release(floor)
  journal.release(1)
  await world.settle(journal.close())
  const again = await world.open()
  expect(again.verdict).toBe('clean')
  const kept = plain(again.replay())
  expect(kept.at(-1)?.sequence).toBe(sequences.at(-1))
  const needed = kept.filter(({ sequence }) => sequence >= floor)
  expect(needed).toHaveLength(100)
  await world.settle(again.close())
}

const closes = (fresh: Fresh) => async () => {
  const world = await fresh()
  const journal = await world.open()
  await appendAll(world, journal, 0, 3)
  await world.settle(Promise.all([journal.close(), journal.close()]))
  let answer: Error | undefined
  journal.append(1, payloadOf(1), (error) => {
    answer = error
  })
  await world.until(() => answer !== undefined, 'the append was answered')
  expect(answer).toMatchObject({ name: 'JournalError', code: 'BRUME_JOURNAL_CLOSED' })
}

const crashes = (fresh: Fresh) => async () => {
  const world = await fresh()
  if (world.crash === undefined) return
  const journal = await world.open()
  const confirmed: number[] = []
  for (let index = 0; index < 200; index += 1) {
    const sequence = journal.append(3, payloadOf(index), (error) => {
      if (error === undefined) confirmed.push(sequence)
    })
    if (index % 20 === 19) await world.until(() => confirmed.length > index - 40, 'records are confirmed')
  }
  await world.crash()
  const again = await world.open()
  expect(['clean', 'torn']).toContain(again.verdict)
  const found = plain(again.replay())
  expect(found.map(({ sequence }) => sequence)).toEqual(found.map((_, index) => index + 1))
  expect(found.length).toBeGreaterThanOrEqual(confirmed.length)
  for (const record of found) expect(record).toEqual(expected(record.sequence, 3, payloadOf(record.sequence - 1)))
  await appendAll(world, again, 0, 3)
  await world.settle(again.close())
}
