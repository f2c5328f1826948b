import { join } from 'node:path'
import type { Disk } from '@brume/ports'

/** Long enough for a person to come back from a week away and look. */
const KEEP_MS = 7 * 24 * 60 * 60 * 1_000
const NAME = /^(\d{13})-\d{20}\.bj$/

/** Moves files out of the journal, never to be read by it again, and drops those of a week ago. */
export async function quarantine(
  disk: Disk,
  directory: string,
  names: readonly string[],
  wallMs: number
): Promise<void> {
  const place = join(directory, 'quarantine')
  await disk.makeDirectory(place)
  const stamp = String(Math.trunc(wallMs)).padStart(13, '0')
  for (const name of names) await disk.rename(join(directory, name), join(place, `${stamp}-${name}`))
  await disk.syncDirectory(place)
  await disk.syncDirectory(directory)
}

export async function sweepQuarantine(disk: Disk, directory: string, wallMs: number): Promise<void> {
  const place = join(directory, 'quarantine')
  const entries = await disk.list(directory)
  if (!entries.includes('quarantine')) return
  for (const name of await disk.list(place)) {
    const stamp = NAME.exec(name)?.[1]
    if (stamp !== undefined && wallMs - Number(stamp) > KEEP_MS) await disk.unlink(join(place, name))
  }
}
