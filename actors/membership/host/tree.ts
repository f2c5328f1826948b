import { constants } from 'node:fs'
import { access, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Files of /proc and /sys that matter are a line or a page; a longer one is cut. */
const TEXT_BYTES_MAX = 65_536
/** A machine with more entries of one kind (zones, cards, interfaces) is described by the first ones. */
const ENTRIES_MAX = 64

/**
 * A file tree in the shape of `/`, read without ever throwing: hardware that is missing is a missing
 * file, and so is one that this process may not read. Tests pass a made-up tree.
 */
export interface Tree {
  /** The trimmed text, or undefined. NUL bytes, as device-tree strings end in, are dropped. */
  text(path: string): Promise<string | undefined>
  /** The integer in the file, or undefined. */
  integer(path: string): Promise<number | undefined>
  /** Names in a folder, sorted; none where there is no folder. */
  names(path: string): Promise<readonly string[]>
  /** Is there such a path, and may it be executed if `executable`? */
  has(path: string, executable?: boolean): Promise<boolean>
}

export function openTree(root: string): Tree {
  const text = (path: string): Promise<string | undefined> => readText(join(root, path))
  return {
    text,
    integer: async (path) => parseInteger(await text(path)),
    names: (path) => readNames(join(root, path)),
    has: (path, executable = false) => isThere(join(root, path), executable)
  }
}

export function parseInteger(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d{1,15}$/.test(text)) return undefined
  return Number(text)
}

async function readText(path: string): Promise<string | undefined> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(TEXT_BYTES_MAX), 0, TEXT_BYTES_MAX, 0)
      return buffer.toString('utf8', 0, bytesRead).replaceAll('\0', '').trim()
    } finally {
      await file.close()
    }
  } catch {
    return undefined
  }
}

async function readNames(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(path)).sort().slice(0, ENTRIES_MAX)
  } catch {
    return []
  }
}

async function isThere(path: string, executable: boolean): Promise<boolean> {
  try {
    await access(path, executable ? constants.X_OK : constants.F_OK)
    return true
  } catch {
    return false
  }
}
