import { readdir, stat, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { hasCode } from '../errors.ts'

/** Between bind and listen a living socket refuses as well; nobody needs a minute for that. */
const AGE_MS_MIN = 60_000
/** So many are looked at in one start: the rest has its turn at the next. */
const LOOKED_AT_MAX = 64

/** Removes sockets that killed peers left in this folder. `nowMs` is the wall clock, as the files' times are. */
export async function sweepSockets(folder: string, nowMs: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sock')).slice(0, LOOKED_AT_MAX)
  await Promise.all(names.map((name) => sweepOne(join(folder, name), nowMs)))
}

async function sweepOne(path: string, nowMs: number): Promise<void> {
  try {
    if (nowMs - (await stat(path)).mtimeMs > AGE_MS_MIN && (await isRefused(path))) await unlink(path)
  } catch {
    // It went away by itself, or is not ours to remove.
  }
}

/** Does nobody listen there? */
function isRefused(path: string): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(path, () => {
      socket.destroy()
      answer(false)
    })
    socket.on('error', (error) => answer(hasCode(error, 'ECONNREFUSED')))
  })
}
