import { QuorumError } from '@brume/actors/quorum'
import { RuntimeError, type RuntimeErrorCode } from '@brume/runtime'

type Reason =
  | 'full'
  | 'noactor'
  | 'stopped'
  | 'invalid'
  | 'forbidden'
  | 'expired'
  | 'failed'
  | 'rejected'
  | 'overload'
  | 'unreachable'

/** An error as the kernel has it for the same thing. */
export function refusal(reason: Reason, message: string, cause?: unknown): RuntimeError {
  const code: RuntimeErrorCode = `BRUME_RUNTIME_${reason.toUpperCase() as Uppercase<Reason>}`
  return new RuntimeError(code, message, cause === undefined ? {} : { cause })
}

const REASONS: Readonly<Record<string, Reason>> = {
  BRUME_QUORUM_EXPIRED: 'expired',
  BRUME_QUORUM_NOT_ADMITTED: 'forbidden',
  BRUME_QUORUM_TOO_LARGE: 'invalid',
  BRUME_QUORUM_MALFORMED: 'invalid',
  BRUME_QUORUM_POOL_FULL: 'full',
  BRUME_QUORUM_SESSIONS_FULL: 'overload',
  BRUME_QUORUM_RATE: 'overload',
  BRUME_QUORUM_UNANSWERED: 'unreachable',
  BRUME_QUORUM_STOPPED: 'stopped',
  BRUME_QUORUM_NO_GROUP: 'noactor'
}

/** What a group refused, in the runtime's words; the quorum's own error is its cause. */
export function fromQuorum(error: unknown): unknown {
  if (!(error instanceof QuorumError)) return error
  return refusal(REASONS[error.code] ?? 'rejected', error.message, error)
}
