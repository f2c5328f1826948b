import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import type { Stage } from './stages.ts'

export interface StageResult {
  readonly name: string
  readonly ok: boolean
  /** Why not, where it is not ok. */
  readonly why: string
  /** `SKIP <level>/<case>: <reason>` lines as the stage printed them. */
  readonly skips: readonly string[]
  readonly tookMs: number
}

const SKIP = /^\s*(SKIP \S+: .+)$/
/** Time for what a stage started to end by itself, once asked. */
const GRACE_MS = 5_000
const POLL_MS = 100

/** Runs one stage of the package at `cwd` in a process group of its own, passing its output on by lines. Never throws. */
export async function runStage(stage: Stage, signal: AbortSignal, cwd: string): Promise<StageResult> {
  const startedMs = performance.now()
  const child = spawn('npm', ['run', '--silent', stage.script, '--', ...stage.args], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const skips: string[] = []
  const exit = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not start: ${error.message}`))
    child.once('exit', (code, by) => resolve(code === 0 ? '' : by === null ? `exit code ${code}` : `ended by ${by}`))
  })
  const read = [pass(child.stdout, process.stdout, skips), pass(child.stderr, process.stderr, skips)]
  let ended = ''
  const end = (why: string) => {
    ended ||= why
    endGroup(child)
  }
  const onAbort = () => end('interrupted')
  const limit = setTimeout(() => end(`still running after ${stage.limitMs / 60_000} minutes`), stage.limitMs)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  const exited = await exit
  clearTimeout(limit)
  signal.removeEventListener('abort', onAbort)
  // What a stage leaves running would hold its pipes open, and disturb the next stage.
  const orphaned = await outlives(child)
  await Promise.all(read)
  const why = ended || exited || (orphaned ? 'it left processes running' : '')
  return { name: stage.name, ok: why === '', why, skips, tookMs: performance.now() - startedMs }
}

async function pass(from: Readable, to: Writable, skips: string[]): Promise<void> {
  for await (const line of createInterface({ input: from })) {
    to.write(`${line}\n`)
    const skip = SKIP.exec(stripVTControlCharacters(line))?.[1]
    if (skip !== undefined) skips.push(skip)
  }
}

/** Whether something of the child's group is still there when its grace is over; it is then killed. */
async function outlives(child: ChildProcess): Promise<boolean> {
  const dueMs = performance.now() + GRACE_MS
  while (killGroup(child, 0) && !allZombies(child)) {
    if (performance.now() > dueMs) return killGroup(child, 'SIGKILL')
    await wait(POLL_MS)
  }
  return false
}

/**
 * In a container whose first process reaps nobody, what has ended stays in its group for ever and still takes signals.
 * Without `ps` a group that takes signals is held to live.
 */
function allZombies(child: ChildProcess): boolean {
  const { stdout, status } = spawnSync('ps', ['-A', '-o', 'pgid=,stat='], { encoding: 'utf8' })
  if (status !== 0) return false
  const rows = stdout.split('\n').map((row) => row.trim().split(/\s+/))
  return rows.every(([group, state = '']) => group !== String(child.pid) || state.startsWith('Z'))
}

function endGroup(child: ChildProcess): void {
  killGroup(child, 'SIGTERM')
  setTimeout(() => killGroup(child, 'SIGKILL'), GRACE_MS).unref()
}

/** Signals all of the group the child leads; false when none of it is left. */
function killGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (child.pid === undefined) return false
  try {
    return process.kill(-child.pid, signal)
  } catch {
    return false
  }
}
