import { setTimeout as sleep } from 'node:timers/promises'
import { BenchError } from './errors.ts'

/**
 * Milliseconds on the machine's one monotonic clock (CLOCK_MONOTONIC, nanosecond grain), the same in all
 * processes of the machine; `performance.now()` counts from each process's own start.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Resolves at that time of `monotonicMs`, or a little later. */
export async function sleepUntil(atMs: number): Promise<void> {
  await sleep(Math.max(0, atMs - monotonicMs()))
}

const POLL_MS = 10

/** Resolves once the condition holds. Rejects with `BRUME_BENCH_DEADLINE`, naming what was awaited. */
export async function until(
  what: string,
  deadlineMs: number,
  condition: () => boolean,
  pollMs = POLL_MS
): Promise<void> {
  if (await holds(deadlineMs, condition, pollMs)) return
  throw new BenchError('BRUME_BENCH_DEADLINE', `${what}: not within ${deadlineMs} ms; is the machine overloaded?`)
}

/** Waits for the condition; false if it does not hold by then. */
export async function holds(deadlineMs: number, condition: () => boolean, pollMs = POLL_MS): Promise<boolean> {
  const endMs = monotonicMs() + deadlineMs
  while (!condition()) {
    if (monotonicMs() > endMs) return false
    await sleep(pollMs)
  }
  return true
}
