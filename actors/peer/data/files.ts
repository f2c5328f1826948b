import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { hasCode, PeerError } from '../errors.ts'

/**
 * Replaces a file so that a crash at any moment leaves the old one or the new one, never half:
 * temporary file, fsync, rename, fsync of the folder (the name is the folder's data). Only the owner of
 * the folder may write: two at once would share the temporary file.
 */
export async function writeAtomically(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.tmp`)
  try {
    await withHandle(await open(temporary, 'w', mode), async (file) => {
      await file.writeFile(content)
      await file.sync()
    })
    await rename(temporary, path)
    await withHandle(await open(dirname(path), 'r'), (folder) => folder.sync())
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw diskError(path, error)
  }
}

async function withHandle(handle: FileHandle, use: (handle: FileHandle) => Promise<void>): Promise<void> {
  try {
    await use(handle)
  } finally {
    await handle.close()
  }
}

/** The sentence for a failed file operation; errors that already have one stay as they are. */
export function diskError(path: string, error: unknown): PeerError {
  if (error instanceof PeerError) return error
  if (hasCode(error, 'ENOSPC', 'EDQUOT', 'BRUME_JOURNAL_FULL'))
    return new PeerError('BRUME_PEER_DISK_FULL', `no space left to write ${path}; free some and start again`, error)
  if (hasCode(error, 'EACCES', 'EPERM', 'EROFS'))
    return new PeerError(
      'BRUME_PEER_DATA_DIR',
      `${path} cannot be written; change its owner or choose another --data-dir`,
      error
    )
  const why = error instanceof Error ? error.message : String(error)
  return new PeerError('BRUME_PEER_DATA_DIR', `${path} cannot be used (${why}); choose another --data-dir`, error)
}
