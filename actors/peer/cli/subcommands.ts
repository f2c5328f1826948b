import { spawn } from 'node:child_process'
import { accessSync, constants, readdirSync, realpathSync, statSync } from 'node:fs'
import { constants as os } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

/**
 * `brume <name>` runs the executable `brume-<name>`, the way git finds its subcommands: other
 * packages add commands without being imported from here.
 */
const PREFIX = 'brume-'
const NAME = /^[a-z][a-z0-9-]{0,31}$/

/** Where executables may lie: beside each package the command's real path is in, then on PATH. */
function folders(scriptPath: string): string[] {
  const found = [dirname(scriptPath)]
  for (let at = dirname(realpathSync(scriptPath)); ; at = dirname(at)) {
    found.push(join(at, 'node_modules', '.bin'))
    if (at === dirname(at)) break
  }
  return [...new Set([...found, ...(process.env.PATH ?? '').split(delimiter).filter((path) => path !== '')])]
}

/** The executable of this subcommand, or undefined. `scriptPath` is the path brume was started by. */
export function findSubcommand(name: string, scriptPath: string): string | undefined {
  if (!NAME.test(name)) return undefined
  return folders(scriptPath)
    .map((folder) => join(folder, PREFIX + name))
    .find(isExecutable)
}

/** Names of all subcommands that can be found, sorted. */
export function listSubcommands(scriptPath: string): string[] {
  const names = folders(scriptPath).flatMap((folder) =>
    filesIn(folder)
      .filter(
        (file) => file.startsWith(PREFIX) && NAME.test(file.slice(PREFIX.length)) && isExecutable(join(folder, file))
      )
      .map((file) => file.slice(PREFIX.length))
  )
  return [...new Set(names)].sort()
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    // PATH often names folders that are not there.
    return []
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/**
 * Turns this process into the subcommand, so that arguments, terminal, signals and exit status are
 * its own; resolves with the status only where a process cannot be replaced. The own node goes first
 * on PATH: a script's `env node` must not meet an older one.
 */
export function runSubcommand(path: string, args: readonly string[]): Promise<number> {
  const environment = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}` }
  try {
    process.execve?.(path, [path, ...args], environment)
  } catch {
    // Worker threads and some platforms cannot; a child with its signals passed on does as well.
  }
  return runAsChild(path, args, environment)
}

const PASSED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function runAsChild(path: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(path, args, { stdio: 'inherit', env: environment })
  for (const signal of PASSED_SIGNALS) process.on(signal, () => child.kill(signal))
  return new Promise((ended, failed) => {
    child.once('error', failed)
    child.once('exit', (code, signal) => ended(code ?? 128 + (signal === null ? 0 : os.signals[signal])))
  })
}
