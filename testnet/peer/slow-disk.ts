import { setTimeout as sleep } from 'node:timers/promises'
import type { Disk, DiskFile } from '@brume/ports'
import { replace } from '@brume/testkit'

export interface SlowDisk {
  readonly disk: Disk
  /** From now on every sync takes so many milliseconds more. */
  slow(syncMs: number): void
}

/** A disk that can be made slow, as a worn SD card is. */
export function slowDisk(disk: Disk): SlowDisk {
  let syncMs = 0
  const wrap = (file: DiskFile): DiskFile => ({
    commit: async (position, bytes) => {
      if (syncMs > 0) await sleep(syncMs)
      await file.commit(position, bytes)
    },
    close: () => file.close()
  })
  return {
    disk: replace(disk, {
      open: async (path: string) => wrap(await disk.open(path)),
      preallocate: async (path: string, bytes: number) => wrap(await disk.preallocate(path, bytes))
    }),
    slow: (ms) => {
      syncMs = ms
    }
  }
}
