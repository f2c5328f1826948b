import { close, constants, fdatasync, fsync, open, write } from 'node:fs'
import { mkdir, readdir, readFile, rename, unlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Disk, DiskFile } from '@brume/ports'

// Plain descriptors and not FileHandles: those cost a promise chain more per call.
const openFile = promisify(open)
const closeFile = promisify(close)
const syncData = promisify(fdatasync)
const syncAll = promisify(fsync)

/**
 * With O_DSYNC Linux syncs the data within the write, as write and fdatasync would: one trip through
 * the thread pool and not two, 1.2 and not 1.8 times the main thread's time where the disk is fast.
 * Elsewhere fdatasync follows the write: libuv makes of it what the system needs (F_FULLFSYNC on macOS).
 */
const SYNCED = process.platform === 'linux' ? constants.O_DSYNC : 0

/** One write of zeros; larger ones hold a pool thread for long on slow media. */
const ZERO_CHUNK_BYTES = 1024 * 1024

/** The real disk, through the thread pool: the event loop never waits for a sync. */
export const nodeDisk = (): Disk => ({
  makeDirectory: async (path) => {
    await mkdir(path, { recursive: true, mode: 0o700 })
  },
  list: async (path) => (await readdir(path)).sort(),
  read: async (path) => {
    const bytes = await readFile(path)
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  },
  open: async (path) => fileOf(await openFile(path, constants.O_RDWR | SYNCED)),
  preallocate,
  rename: (from, to) => rename(from, to),
  unlink: (path) => unlink(path),
  syncDirectory: async (path) => {
    const fd = await openFile(path, constants.O_RDONLY)
    await syncAll(fd).finally(() => closeFile(fd))
  }
})

const fileOf = (fd: number): DiskFile => ({
  commit: async (position, bytes) => {
    await writeAll(fd, bytes, position)
    if (SYNCED === 0) await syncData(fd)
  },
  close: () => closeFile(fd)
})

function writeAll(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const step = (done: number): void =>
    write(fd, bytes, done, bytes.length - done, position + done, (error, written) => {
      if (error !== null) reject(error)
      else if (done + written < bytes.length) step(done + written)
      else resolve()
    })
  step(0)
  return promise
}

/** Zeros are written, not reserved: on ext4 a reserved extent is converted at the first write, which is metadata. */
async function preallocate(path: string, bytes: number): Promise<DiskFile> {
  const fd = await openFile(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600)
  try {
    const zeros = new Uint8Array(Math.min(bytes, ZERO_CHUNK_BYTES))
    for (let at = 0; at < bytes; at += zeros.length) {
      await writeAll(fd, zeros.subarray(0, Math.min(zeros.length, bytes - at)), at)
    }
    await syncAll(fd)
  } finally {
    await closeFile(fd)
  }
  return fileOf(await openFile(path, constants.O_RDWR | SYNCED))
}
