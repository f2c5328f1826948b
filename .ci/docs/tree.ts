import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A tracked text file: what a clone has, so that a check passes here exactly when it passes there. */
export interface TextFile {
  /** From the root, with `/`. */
  readonly path: string
  readonly text: string
}

/** Paths git tracks under `root` that are still on disk, in its order. */
export function trackedPaths(root: string): string[] {
  const list = (...args: string[]) =>
    execFileSync('git', ['ls-files', '-z', ...args], { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
      .split('\0')
      .filter((path) => path !== '')
  const removed = new Set(list('--deleted'))
  return list().filter((path) => !removed.has(path))
}

/** Tracked files without a NUL byte, which is how git itself tells text from binary. */
export function readTexts(root: string, paths: readonly string[]): TextFile[] {
  return paths
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'))
}
