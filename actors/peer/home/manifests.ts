import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../data/index.ts'
import { hasCode, PeerError } from '../errors.ts'

/** The quorum reads no larger manifest. */
const MANIFEST_BYTES_MAX = 65_536

/** The manifests of the groups this peer takes part in, by the hex of the group's id. */
export interface Manifests {
  /** In order. */
  ids(): Promise<readonly string[]>
  /** @throws PeerError PROGRAM where it is larger than a manifest can be */
  read(id: string): Promise<Uint8Array>
  keep(id: string, manifest: Uint8Array): Promise<void>
}

/** As `<group id in hex>.cbor` in a folder, where a person may lay some too. */
export function folderManifests(folder: string): Manifests {
  const pathOf = (id: string): string => join(folder, `${id}.cbor`)
  return {
    ids: async () => (await namesIn(folder)).flatMap((name) => /^([0-9a-f]{64})\.cbor$/.exec(name)?.[1] ?? []).sort(),
    read: (id) => readManifest(pathOf(id)),
    keep: (id, manifest) => writeAtomically(pathOf(id), manifest, 0o600)
  }
}

export function memoryManifests(): Manifests {
  const kept = new Map<string, Uint8Array>()
  return {
    ids: async () => [...kept.keys()].sort(),
    read: async (id) => kept.get(id) ?? new Uint8Array(),
    keep: async (id, manifest) => void kept.set(id, manifest.slice())
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

async function readManifest(path: string): Promise<Uint8Array> {
  const { size } = await stat(path)
  if (size > MANIFEST_BYTES_MAX)
    throw new PeerError('BRUME_PEER_PROGRAM', `the manifest has ${size} bytes, more than ${MANIFEST_BYTES_MAX}`)
  return new Uint8Array(await readFile(path))
}
