import { readFileSync } from 'node:fs'

/** What the kernel knows of a process. */
export interface Usage {
  readonly rssKib: number
  /** User and system time of all threads, so far. */
  readonly cpuMs: number
}

/** Linux reports times to user space in this unit on every architecture (USER_HZ, time(7)). */
const TICKS_PER_S = 100
/** Fields 14 and 15 of /proc/<pid>/stat, proc_pid_stat(5); the state, after the command's `)`, is field 3. */
const UTIME_FIELD = 14
const FIRST_FIELD = 3

/** Reads /proc; throws where there is no such process. Linux only. */
export function usageOf(pid: number): Usage {
  return parseUsage(readFileSync(`/proc/${pid}/stat`, 'utf8'), readFileSync(`/proc/${pid}/status`, 'utf8'))
}

export function parseUsage(stat: string, status: string): Usage {
  // The command's name may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const at = UTIME_FIELD - FIRST_FIELD
  const ticks = Number(fields[at]) + Number(fields[at + 1])
  const rssKib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])
  return { rssKib, cpuMs: (ticks * 1_000) / TICKS_PER_S }
}
