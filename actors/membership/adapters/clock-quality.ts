import { access } from 'node:fs/promises'

/** systemd-timesyncd touches this file when the kernel's clock is synchronised. */
const SYNCHRONIZED = '/run/systemd/timesync/synchronized'
/** 2026-01-01: no peer of this software existed before. */
const RELEASED_MS = 1_767_225_600_000
/** A clock further ahead is as wrong as one in the past. */
const PLAUSIBLE_MS = 10 * 365.25 * 86_400_000

/** How far this machine's wall clock can be trusted: 2 synchronised, 1 plausible, 0 not at all. */
export async function clockQuality(wallMs: number, synchronizedPath: string = SYNCHRONIZED): Promise<0 | 1 | 2> {
  if (await isThere(synchronizedPath)) return 2
  return wallMs >= RELEASED_MS && wallMs < RELEASED_MS + PLAUSIBLE_MS ? 1 : 0
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
