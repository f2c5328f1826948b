import { readFile, writeFile } from 'node:fs/promises'
import { PeerError } from '../../errors.ts'

/** Manifests have 64 KiB, bundles 512. */
const FILE_BYTES_MAX = 1_048_576

/** @throws PeerError USAGE for a file that is not there or too large to be what is meant */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const bytes = new Uint8Array(await readFile(path))
    if (bytes.length <= FILE_BYTES_MAX) return bytes
  } catch (error) {
    throw new PeerError('BRUME_PEER_USAGE', `${path} cannot be read`, error)
  }
  throw new PeerError('BRUME_PEER_USAGE', `${path} is too large to be a manifest or a bundle`)
}

/** @throws PeerError USAGE */
export async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes)
  } catch (error) {
    throw new PeerError('BRUME_PEER_USAGE', `${path} cannot be written`, error)
  }
}
