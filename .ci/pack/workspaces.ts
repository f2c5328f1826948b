import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { trackedPaths } from '../docs/tree.ts'

/** One package of the workspace: its folder from the root, its manifest, and the files that belong to it. */
export interface Workspace {
  readonly folder: string
  readonly manifest: Manifest
  /** From the root. */
  readonly paths: readonly string[]
}

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports?: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

/** Tests, and what only they use, stay at home. */
const isTest = (path: string): boolean => /\.test\.ts$|\/(test|fixtures)\//.test(path)

/** Every tracked `package.json` but the root's, with the tracked files below it that belong to no deeper one. */
export function readWorkspaces(root: string): readonly Workspace[] {
  const tracked = trackedPaths(root)
  const folders = tracked.filter((path) => /.\/package\.json$/.test(path)).map((path) => path.replace(/\/[^/]*$/, ''))
  const ownerOf = (path: string) =>
    folders.filter((folder) => path.startsWith(`${folder}/`)).sort((a, b) => b.length - a.length)[0]
  return folders.map((folder) => ({
    folder,
    manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest,
    paths: tracked.filter((path) => ownerOf(path) === folder && !isTest(path))
  }))
}
