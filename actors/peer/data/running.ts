import { readFile, rm } from 'node:fs/promises'
import { writeAtomically } from './files.ts'

/** The process that runs a data directory. A leftover of a killed one names a pid that is gone. */
export interface Running {
  readonly pid: number
  /** Path of its control socket. */
  readonly control: string
}

export const writeRunning = (path: string, running: Running): Promise<void> =>
  writeAtomically(path, `${JSON.stringify(running)}\n`, 0o600)

export const removeRunning = (path: string): Promise<void> => rm(path, { force: true })

/** What was written, or undefined where nothing usable is: it only ever improves a message. */
export async function readRunning(path: string): Promise<Running | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('control' in value)) return undefined
    const { pid, control } = value
    return Number.isSafeInteger(pid) && typeof pid === 'number' && pid > 0 && typeof control === 'string'
      ? { pid, control }
      : undefined
  } catch {
    return undefined
  }
}

/** Is there a process of this pid? One of another user counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
