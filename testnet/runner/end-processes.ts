import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning, type ProcessId } from './process-table.ts'

/** How long a process may take to close its store and journal after SIGTERM (testing.md 3.7). */
export const TERM_GRACE_MS = 3_000
/** SIGKILL acts at once unless the process sits in an uninterruptible disk call; then waiting longer is no use. */
const KILL_GRACE_MS = 2_000
const POLL_MS = 25

function signal(target: ProcessId, name: NodeJS.Signals): void {
  if (!isRunning(target)) return
  try {
    process.kill(target.pid, name)
  } catch {
    // It ended between the look and the signal.
  }
}

async function waitUntilGone(targets: readonly ProcessId[], deadlineMs: number): Promise<readonly ProcessId[]> {
  const until = performance.now() + deadlineMs
  let left = targets.filter(isRunning)
  while (left.length > 0 && performance.now() < until) {
    await sleep(POLL_MS)
    left = left.filter(isRunning)
  }
  return left
}

/**
 * Ends exactly these processes, stopped ones too: SIGTERM, `graceMs`, then SIGKILL.
 * Resolves to those that still run; empty is the normal answer.
 */
export async function endProcesses(
  targets: readonly ProcessId[],
  graceMs = TERM_GRACE_MS
): Promise<readonly ProcessId[]> {
  for (const target of targets) {
    signal(target, 'SIGTERM')
    // A stopped process acts on SIGTERM only once it goes on.
    signal(target, 'SIGCONT')
  }
  const stubborn = await waitUntilGone(targets, graceMs)
  for (const target of stubborn) signal(target, 'SIGKILL')
  return waitUntilGone(stubborn, KILL_GRACE_MS)
}
