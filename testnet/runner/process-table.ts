import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { platform } from 'node:os'

/**
 * A process, named so that a recycled pid cannot be taken for it: the pid together with the time it
 * started, in the system's own text (Linux: clock ticks since boot; macOS: `ps -o lstart=`).
 */
export interface ProcessId {
  readonly pid: number
  readonly startTime: string
}

/** Field 22 of /proc/<pid>/stat, proc_pid_stat(5). */
const START_TIME_FIELD = 22

/**
 * Start time and state letter out of one line of /proc/<pid>/stat. The second field, the command's name,
 * may hold spaces and parentheses, so fields are counted from the last `)`.
 */
export function parseStat(line: string): { startTime: string; state: string } | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const [state] = fields
  const startTime = fields[START_TIME_FIELD - 3]
  return state === undefined || startTime === undefined ? undefined : { startTime, state }
}

function readLinux(pid: number): string | undefined {
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    // A zombie has ended; only its parent's wait is missing.
    return stat === undefined || stat.state === 'Z' || stat.state === 'X' ? undefined : stat.startTime
  } catch {
    return undefined
  }
}

function readByPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    const [state = '', ...startTime] = line.split(/\s+/)
    return line === '' || state.startsWith('Z') ? undefined : startTime.join(' ')
  } catch {
    return undefined
  }
}

/** When the process started, or undefined when no such process runs. */
export function startTimeOf(pid: number): string | undefined {
  return platform() === 'linux' ? readLinux(pid) : readByPs(pid)
}

export function identifyProcess(pid: number): ProcessId | undefined {
  const startTime = startTimeOf(pid)
  return startTime === undefined ? undefined : { pid, startTime }
}

/** Does this very process still run (a stopped one counts, a zombie does not)? */
export function isRunning(process: ProcessId): boolean {
  return startTimeOf(process.pid) === process.startTime
}
