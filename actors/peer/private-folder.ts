import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { PeerError } from './errors.ts'

/**
 * A folder of the temporary directory that only this user can enter: for control sockets and compiled
 * code. Throws `BRUME_PEER_CONTROL` when another user made it first, to read along.
 */
export function privateFolder(): string {
  const { uid } = userInfo()
  const folder = join(tmpdir(), `brume-${uid}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return folder
  throw new PeerError(
    'BRUME_PEER_CONTROL',
    `${folder} is open to other users; remove it, or set TMPDIR to a folder of your own`
  )
}
