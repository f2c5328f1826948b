import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { TestnetError } from '../errors.ts'

/**
 * A folder in the system's temporary one that only this user can enter: for control sockets and for
 * compiled code. Throws `BRUME_TESTNET_ARGUMENT` when somebody else made it first.
 */
export function privateFolder(): string {
  const { uid } = userInfo()
  const folder = join(tmpdir(), `brume-testnet-${uid}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return folder
  const message = `${folder} is open to other users: remove it, or set TMPDIR to a folder of your own`
  throw new TestnetError('BRUME_TESTNET_ARGUMENT', message)
}
