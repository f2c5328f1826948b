import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { PeerError } from '../errors.ts'
import { privateFolder } from '../private-folder.ts'

/** sun_path holds 104 bytes on macOS and 108 on Linux, the ending zero included. */
const SOCKET_PATH_BYTES_MAX = 103

/**
 * Where the peer of this data directory listens: in a folder of the temporary directory that only
 * this user can enter, since the data directory's own path may be too long for a socket.
 * Throws `BRUME_PEER_CONTROL`.
 */
export async function controlPath(dataDirectory: string): Promise<string> {
  const name = createHash('sha256')
    .update(await realpath(dataDirectory))
    .digest('hex')
    .slice(0, 16)
  const path = join(privateFolder(), `${name}.sock`)
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX)
    throw new PeerError('BRUME_PEER_CONTROL', `${path} is too long for a socket; set TMPDIR to a shorter path`)
  return path
}
