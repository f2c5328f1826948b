import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Config } from '../config/index.ts'

/** V8 takes these only at its birth: `v8.setFlagsFromString` changes nothing that is already sized. */
function wantedFlags(config: Pick<Config, 'semiSpaceMb' | 'heapMb'>): string[] {
  return [`--max-semi-space-size=${config.semiSpaceMb}`, `--max-old-space-size=${config.heapMb}`]
}

const nameOf = (flag: string): string => flag.split('=')[0] ?? flag

/** What the person gave node goes before what the preset says. */
function missingFlags(config: Pick<Config, 'semiSpaceMb' | 'heapMb'>): string[] {
  const given = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)].map(nameOf)
  return wantedFlags(config).filter((flag) => !given.includes(nameOf(flag)))
}

/**
 * Starts this same command again in this same process (execve(2): pid, terminal and parent stay) with
 * V8 limited as configured, and with node's cache of compiled code in `cacheFolder`, which spares
 * loading the compiler of TypeScript. A script's first line cannot carry flags, and a child process
 * would cost its parent's memory. Returns where nothing is missing or a process cannot be replaced.
 *
 * RSS of an idle peer, x64, MB: 150 at V8's defaults, 122 with the limits, 105 with the cache as well.
 * So the first start of all fills the cache before it is replaced, which takes it a second more.
 */
export async function limitMemory(config: Pick<Config, 'semiSpaceMb' | 'heapMb'>, cacheFolder: string): Promise<void> {
  const missing = missingFlags(config)
  // A fork's channel to its parent would not survive.
  if (missing.length === 0 || process.connected || process.execve === undefined) return
  if (process.env.NODE_COMPILE_CACHE === undefined && !existsSync(cacheFolder)) fill(cacheFolder)
  const args = [process.execPath, ...missing, ...process.execArgv, ...process.argv.slice(1)]
  try {
    process.execve(process.execPath, args, { NODE_COMPILE_CACHE: cacheFolder, ...process.env })
  } catch {
    // Without limits memory is given back later, and all else is the same.
  }
}

/**
 * Loads in other processes what the next one will load, entry included: code that this one has loaded
 * already would stay out of the cache, and one file that is missing there brings the compiler back.
 */
function fill(cacheFolder: string): void {
  const env = { ...process.env, NODE_COMPILE_CACHE: cacheFolder }
  const rest = ['./up.ts', '../peer.ts'].map((file) => `await import('${new URL(file, import.meta.url).href}')`)
  for (const args of [
    [process.argv[1] ?? '', 'version'],
    ['--input-type=module', '--eval', rest.join(';')]
  ]) {
    spawnSync(process.execPath, args, { env, stdio: 'ignore' })
  }
}
