import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Exact, and of those that @effect/cluster names as its peers; no workspace depends on any of them. */
const VERSIONS = {
  nact: '7.6.2',
  effect: '3.22.1',
  '@effect/cluster': '0.60.2',
  '@effect/platform': '0.97.1',
  '@effect/rpc': '0.76.2',
  '@effect/sql': '0.52.1',
  '@effect/workflow': '0.19.1'
} as const
const INSTALL_MS = 180_000
const ERLC_MS = 60_000

export const versionOf = (name: keyof typeof VERSIONS): string => `${name} ${VERSIONS[name]}`

/** A folder in which they are installed, now or before; null where they cannot be. */
export function installed(out: string, progress: (line: string) => void): string | null {
  const folder = resolve(out, 'compare')
  const wanted = JSON.stringify({ private: true, type: 'module', dependencies: VERSIONS })
  // Written last: half an installation is none.
  const done = join(folder, 'installed.json')
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return folder
  progress(`npm install of what is compared, into ${folder}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), wanted)
  try {
    const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
    execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], timeout: INSTALL_MS })
  } catch {
    return null
  }
  writeFileSync(done, wanted)
  return folder
}

/** Where the counter in Erlang was compiled to; null without Erlang. */
export function compiledErlang(out: string): string | null {
  const folder = resolve(out, 'compare-erlang')
  mkdirSync(folder, { recursive: true })
  try {
    const source = join(import.meta.dirname, 'counter.erl')
    execFileSync('erlc', ['-o', folder, source], { stdio: 'ignore', timeout: ERLC_MS })
    return folder
  } catch {
    return null
  }
}
