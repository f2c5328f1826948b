import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const GUARD_MAIN = fileURLToPath(new URL('guard-main.ts', import.meta.url))

/** The runner's side of the guard: as long as `release` was not called and the runner lives, it waits. */
export interface Guard {
  readonly pid: number
  /** Lets the guard end what is still listed, then itself; resolves when it has. */
  release(): Promise<void>
}

/**
 * Starts the guard of one run. It is a session leader of its own, so that neither Ctrl-C in the
 * runner's terminal nor a signal to the runner's process group reaches it.
 */
export function startGuard(pidsPath: string, socketPath: string, after: readonly string[] = []): Guard {
  const child = spawn(process.execPath, ['--max-old-space-size=64', GUARD_MAIN, pidsPath, socketPath, ...after], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore']
  })
  if (child.pid === undefined) throw new Error('the guard process did not start')
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.unref()
  child.stdin.on('error', () => undefined)
  return {
    pid: child.pid,
    release: async () => {
      child.ref()
      child.stdin.end()
      await exited
    }
  }
}
