import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * What runs a command of brume on whatever Node the machine has, from 18 on. JavaScript, unlike all else: an older Node
 * could not read it otherwise.
 */

/** As in the workspace's `engines`: the first to run TypeScript as brume writes it, and to replace a process. */
const NODE_MIN = [24, 7]
/** Usage: see `EXIT` in errors.ts. */
const EXIT_USAGE = 2

/**
 * Runs the module `entry`, without its extension: TypeScript in a clone, JavaScript in what is published. An older Node
 * starts the one that was installed with brume in its place, and ends as that does.
 *
 * @param {URL} entry
 */
export async function launch(entry) {
  if (isNewEnough(process.versions.node)) {
    const source = `${entry.href}.ts`
    await import(existsSync(fileURLToPath(source)) ? source : `${entry.href}.js`)
    return
  }
  const node = ownNode()
  if (node !== undefined) return runBy(node)
  const needed = `brume needs Node ${NODE_MIN.join('.')} or newer, and this is ${process.versions.node}`
  process.stderr.write(`error: ${needed}; install it, or run npm ci in a clone, which brings it (BRUME_PEER_NODE)\n`)
  process.exitCode = EXIT_USAGE
}

/** @param {string} version */
function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])
}

/** The Node of the package `node`, where one is installed beside brume. */
function ownNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json')
    const path = join(dirname(manifest), 'bin', 'node')
    return isNewEnough(JSON.parse(readFileSync(manifest, 'utf8')).version) && existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}

/** A terminal tells both of these processes of Ctrl-C and of its end; a second signal would have brume end at once. */
const OF_TERMINALS = ['SIGINT', 'SIGHUP']

/** @param {string} node */
function runBy(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' })
  for (const signal of ['SIGTERM', ...OF_TERMINALS]) {
    const isTold = process.stdin.isTTY && OF_TERMINALS.includes(signal)
    process.on(signal, () => isTold || child.kill(signal))
  }
  child.once('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}
