import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '@brume/ports'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from './level-store.ts'
import { crc32c, damageIn } from './write-ahead.ts'

const ROUNDS = 40
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** Long enough for records that are cut in pieces at the ends of blocks. */
const payloadOf = (round: number): Uint8Array => new Uint8Array(2_000 + 13 * round).fill(round + 1)

let directory: string
let path: string
let log: Uint8Array

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'brume-wal-'))
  const store = await openStore(directory)
  for (let round = 0; round < ROUNDS; round++)
    await store.batch([{ type: 'put', key: text(`key-${round}`), value: payloadOf(round) }], { sync: true })
  await store.close()
  const [name = ''] = (await readdir(directory)).filter((name) => name.endsWith('.log'))
  path = join(directory, name)
  log = new Uint8Array(await readFile(path))
})

afterAll(() => rm(directory, { recursive: true, force: true }))

const flipped = (at: number): Uint8Array => log.with(at, (log[at] ?? 0) ^ 0x10)

describe('crc32c', () => {
  it('is that of RFC 3720, B.4', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe(0x46dd794e)
  })
})

describe('damageIn', () => {
  it('finds nothing wrong with a log as LevelDB wrote it, wherever a write was cut short', () => {
    expect(log.length).toBeGreaterThan(2 * 32_768)
    expect(damageIn(log)).toBeNull()
    for (let bytes = 0; bytes < log.length; bytes += 197) expect(damageIn(log.subarray(0, bytes))).toBeNull()
    expect(damageIn(Buffer.concat([log, new Uint8Array(40_000)]))).toBeNull()
  })

  it('finds a flipped bit wherever a good record follows, in a length as in a payload', () => {
    const lastBytes = payloadOf(ROUNDS - 1).length + 100
    for (let at = 0; at < log.length - lastBytes; at += 131) expect(damageIn(flipped(at)), `byte ${at}`).not.toBeNull()
    for (let at = log.length - 1_000; at < log.length; at += 61) expect(damageIn(flipped(at))).toBeNull()
  })
})

describe('openStore', () => {
  it('says from then on that what was synced is lost, until a person deletes the note of it', async () => {
    await writeFile(path, flipped(Math.floor(0.6 * log.length)))
    for (let opening = 0; opening < 2; opening++) {
      const store = await openStore(directory)
      expect(store.damage).toMatchObject({
        code: 'BRUME_STORE_DAMAGED',
        message: expect.stringMatching(/\d+\.log, byte \d+.*damaged\.txt/)
      })
      expect(store.sub('any/').damage).toBe(store.damage)
      expect(await store.get(text('key-0'))).toEqual(payloadOf(0))
      expect(await missing(store)).toBeGreaterThan(0)
      await store.close()
    }
    await rm(join(directory, 'damaged.txt'))
    const store = await openStore(directory)
    expect(store.damage).toBeUndefined()
    await store.close()
  })
})

async function missing(store: Store): Promise<number> {
  let count = 0
  for (let round = 0; round < ROUNDS; round++) if ((await store.get(text(`key-${round}`))) === undefined) count++
  return count
}
