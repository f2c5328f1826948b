import { describe, expect, it } from 'vitest'
import { diskCompliance } from './compliance/index.ts'
import { SimClock, SimDisk, SimRandom, seedFromHex } from './index.ts'

const SEED = seedFromHex('000102030405060708090a0b0c0d0e0f')

function world(stream = 'disk') {
  const clock = new SimClock()
  const disk = new SimDisk({ clock, random: new SimRandom(SEED, stream) })
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    promise.then(over, over)
    if (!(await clock.until(() => isOver))) throw new Error('did not settle in simulated time')
    return promise
  }
  return { clock, disk, settle }
}

diskCompliance('simulated', async () => {
  const { disk, settle } = world()
  await disk.makeDirectory('/data')
  return { disk, settle, directory: '/data', end: async () => undefined }
})

describe('SimDisk', () => {
  it('keeps what was synced in a crash, and of what was not a prefix at most', async () => {
    const kept = new Set<number>()
    for (let run = 0; run < 60; run += 1) {
      const { clock, disk, settle } = world(`run:${run}`)
      await disk.makeDirectory('/data')
      const file = await settle(disk.preallocate('/data/file', 8_192))
      await settle(disk.syncDirectory('/data'))
      await settle(file.commit(0, new Uint8Array(100).fill(1)))
      let isSettled = false
      void file.commit(100, new Uint8Array(5_000).fill(2)).then(() => {
        isSettled = true
      })
      clock.run(0.1)
      const found = disk.crash()
      await clock.pass(1_000)
      expect(isSettled).toBe(false)
      const bytes = await found.read('/data/file')
      expect(bytes.subarray(0, 100).every((byte) => byte === 1)).toBe(true)
      const end = bytes.indexOf(0)
      expect(bytes.subarray(100, end).every((byte) => byte === 2)).toBe(true)
      expect(bytes.subarray(end).every((byte) => byte === 0)).toBe(true)
      kept.add(end - 100)
    }
    expect(kept.size).toBeGreaterThan(8)
  })

  it('may lose names that were not synced', async () => {
    const found = new Set<boolean>()
    for (let run = 0; run < 30; run += 1) {
      const { disk, settle } = world(`run:${run}`)
      await disk.makeDirectory('/data')
      await settle(disk.preallocate('/data/file', 10))
      found.add((await disk.crash().list('/data')).includes('file'))
    }
    expect(found.size).toBe(2)
  })

  it('fails once where told, and is full where it has no room', async () => {
    const { disk, settle } = world()
    await disk.makeDirectory('/data')
    const file = await settle(disk.preallocate('/data/file', 1_000))
    disk.failNext('EIO')
    await expect(settle(file.commit(0, Uint8Array.of(1)))).rejects.toMatchObject({ code: 'EIO' })
    await settle(file.commit(0, Uint8Array.of(1)))
    disk.capacityBytes = 1_500
    await expect(settle(disk.preallocate('/data/other', 600))).rejects.toMatchObject({ code: 'ENOSPC' })
    await settle(disk.unlink('/data/file'))
    await settle(disk.preallocate('/data/other', 600))
  })
})
