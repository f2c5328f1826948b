import { access, constants, mkdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { hasCode } from '../errors.ts'
import { diskError } from './files.ts'

/** Where a peer keeps what it must not lose. */
export interface DataLayout {
  readonly directory: string
  /** Settings a person wrote; brume only reads it. */
  readonly config: string
  readonly identity: string
  /** LevelDB; its lock makes one process the owner of everything here. */
  readonly store: string
  readonly journal: string
  /** `<group id in hex>.cbor`: manifests of the groups this peer joins at start. */
  readonly groups: string
  /** Which process runs here and where it can be asked; gone after a clean stop. */
  readonly running: string
  /** What a former identity left behind. */
  readonly previous: string
}

export function layoutOf(directory: string): DataLayout {
  const root = resolve(directory)
  return {
    directory: root,
    config: join(root, 'config.json'),
    identity: join(root, 'identity.json'),
    store: join(root, 'store'),
    journal: join(root, 'journal'),
    groups: join(root, 'groups'),
    running: join(root, 'running.json'),
    previous: join(root, 'previous')
  }
}

/** Where this user's peer lives unless told otherwise: XDG's data folder, or macOS's own. */
export function defaultDirectory(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const { BRUME_DATA_DIR: told, XDG_DATA_HOME: xdg } = environment
  if (told) return resolve(told)
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'brume')
  return xdg?.startsWith('/') ? join(xdg, 'brume') : join(homedir(), '.local', 'share', 'brume')
}

/** Makes the folders, closed to other users, and makes sure that they can be written. */
export async function makeFolders(layout: DataLayout): Promise<void> {
  try {
    await makeFolder(layout.directory)
    await access(layout.directory, constants.R_OK | constants.W_OK | constants.X_OK)
    await makeFolder(layout.groups)
  } catch (error) {
    throw diskError(layout.directory, error)
  }
}

/**
 * One level after the other: node's `recursive` never returns where a folder is there in which none can be made (ENOENT,
 * as everywhere in /proc).
 */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (hasCode(error, 'EEXIST') && (await isFolder(path))) return
    if (!hasCode(error, 'ENOENT') || (await isFolder(dirname(path)))) throw error
    await makeFolder(dirname(path))
    await makeFolder(path)
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false
  )
