import type { Disk } from '@brume/ports'
import { describe, expect, it } from 'vitest'

export interface DiskWorld {
  readonly disk: Disk
  /** A folder that exists and is empty. */
  readonly directory: string
  /** Awaits a promise while this world's time passes. */
  settle<T>(promise: Promise<T>): Promise<T>
  end(): Promise<void>
}

/** Registers the cases that every `Disk` passes, as far as a program that does not crash can tell. */
export function diskCompliance(name: string, make: () => Promise<DiskWorld>): void {
  const inWorld = (run: (world: DiskWorld) => Promise<void>) => async () => {
    const world = await make()
    await run(world).finally(() => world.end())
  }
  describe(`Disk: ${name}`, () => {
    it('makes files of zeros, in place of old ones', inWorld(preallocates))
    it('writes at any position and reads back', inWorld(writes))
    it('lists, renames and unlinks', inWorld(names))
    it('rejects with the system’s code', inWorld(errors))
  })
}

async function preallocates({ disk, directory, settle }: DiskWorld): Promise<void> {
  const path = `${directory}/file`
  for (const bytes of [3_000_000, 5_000]) {
    const file = await settle(disk.preallocate(path, bytes))
    const read = await settle(disk.read(path))
    expect(read).toHaveLength(bytes)
    expect(read.every((byte) => byte === 0)).toBe(true)
    expect(read.constructor).toBe(Uint8Array)
    await settle(file.commit(0, Uint8Array.of(1, 2, 3)))
    await settle(file.close())
  }
}

async function writes({ disk, directory, settle }: DiskWorld): Promise<void> {
  const path = `${directory}/file`
  const made = await settle(disk.preallocate(path, 10_000))
  await settle(made.commit(4_000, new Uint8Array(3_000).fill(7)))
  await settle(made.close())
  const opened = await settle(disk.open(path))
  await settle(opened.commit(0, Uint8Array.of(1)))
  await settle(opened.commit(6_999, Uint8Array.of(2, 3)))
  await settle(opened.close())
  const expected = new Uint8Array(10_000)
  expected[0] = 1
  expected.fill(7, 4_000, 7_000)
  expected.set([2, 3], 6_999)
  expect(Buffer.compare(await settle(disk.read(path)), expected)).toBe(0)
}

async function names({ disk, directory, settle }: DiskWorld): Promise<void> {
  await settle(disk.makeDirectory(`${directory}/deep/er`))
  await settle(disk.makeDirectory(`${directory}/deep/er`))
  for (const name of ['b', 'a', 'c']) {
    const file = await settle(disk.preallocate(`${directory}/${name}`, 8))
    await settle(file.commit(0, new TextEncoder().encode(name)))
    await settle(file.close())
  }
  expect(await settle(disk.list(directory))).toEqual(['a', 'b', 'c', 'deep'])
  await settle(disk.rename(`${directory}/a`, `${directory}/b`))
  await settle(disk.rename(`${directory}/c`, `${directory}/deep/er/c`))
  await settle(disk.syncDirectory(directory))
  expect(await settle(disk.list(directory))).toEqual(['b', 'deep'])
  expect((await settle(disk.read(`${directory}/b`)))[0]).toBe(97)
  expect(await settle(disk.list(`${directory}/deep/er`))).toEqual(['c'])
  await settle(disk.unlink(`${directory}/b`))
  expect(await settle(disk.list(directory))).toEqual(['deep'])
}

async function errors({ disk, directory, settle }: DiskWorld): Promise<void> {
  const missing = { code: 'ENOENT' }
  const path = `${directory}/none`
  const calls: readonly (() => Promise<unknown>)[] = [
    () => disk.read(path),
    () => disk.open(path),
    () => disk.unlink(path),
    () => disk.rename(path, `${path}2`),
    () => disk.list(path)
  ]
  for (const call of calls) await expect(settle(call())).rejects.toMatchObject(missing)
  await expect(settle(disk.preallocate(`${path}/file`, 8))).rejects.toMatchObject(missing)
}
