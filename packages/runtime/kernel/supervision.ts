/** How often, and after which waits, a failing actor is started anew. Times in monotonic milliseconds. */
export interface RestartPolicy {
  /** More failures than this within the window are not bad luck. */
  readonly failuresMax: number
  readonly windowMs: number
  readonly backoffMinMs: number
  readonly backoffMaxMs: number
  /** Share by which a wait varies either way, so that actors that failed together do not return together. */
  readonly jitter: number
}

export const RESTART_POLICY: RestartPolicy = {
  failuresMax: 5,
  windowMs: 60_000,
  backoffMinMs: 200,
  backoffMaxMs: 30_000,
  jitter: 0.2
}

/** What the policy remembers of one actor: at most `failuresMax` times, oldest first. */
export interface FailureHistory {
  readonly failedAtMs: readonly number[]
  /** Failures since the actor last ran for a whole window. */
  readonly streak: number
  /** When the last restart was due. */
  readonly restartedAtMs: number
}

export const NO_FAILURES: FailureHistory = { failedAtMs: [], streak: 0, restartedAtMs: 0 }

/** Start again after a wait, or give up and let the level above decide. */
export type Judgement =
  | { readonly kind: 'restart'; readonly delayMs: number; readonly history: FailureHistory }
  | { readonly kind: 'escalate' }

/** Judges one failure. Pure; `chance`, uniform in [0, 1), settles the jitter. */
export function judgeFailure(
  history: FailureHistory,
  nowMs: number,
  chance: number,
  policy: RestartPolicy = RESTART_POLICY
): Judgement {
  const recent = history.failedAtMs.filter((atMs) => nowMs - atMs < policy.windowMs)
  if (recent.length >= policy.failuresMax) return { kind: 'escalate' }
  const ranLong = history.streak > 0 && nowMs - history.restartedAtMs >= policy.windowMs
  const streak = ranLong ? 1 : history.streak + 1
  const delayMs = backoffMs(streak, chance, policy)
  return {
    kind: 'restart',
    delayMs,
    history: { failedAtMs: [...recent, nowMs], streak, restartedAtMs: nowMs + delayMs }
  }
}

/** `backoffMinMs` after the first failure in a row, doubled after each further one up to `backoffMaxMs`, varied by the jitter. */
export function backoffMs(streak: number, chance: number, policy: RestartPolicy = RESTART_POLICY): number {
  const plainMs = Math.min(policy.backoffMinMs * 2 ** (streak - 1), policy.backoffMaxMs)
  return plainMs * (1 + policy.jitter * (2 * chance - 1))
}
