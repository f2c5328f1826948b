import type { ClientAnswer } from '@brume/protocols/quorum'
import { QuorumError, type QuorumErrorCode } from '../errors.ts'

/** What a command or read is refused with, and whether asking again may help: the member's own state does pass. */
const REFUSALS: Readonly<Record<string, { readonly code: QuorumErrorCode; readonly isLasting: boolean }>> = {
  NOT_ADMITTED: { code: 'BRUME_QUORUM_NOT_ADMITTED', isLasting: true },
  TOO_LARGE: { code: 'BRUME_QUORUM_TOO_LARGE', isLasting: true },
  BAD_SIGNATURE: { code: 'BRUME_QUORUM_BAD_SIGNATURE', isLasting: true },
  MALFORMED: { code: 'BRUME_QUORUM_MALFORMED', isLasting: true },
  EXPIRED: { code: 'BRUME_QUORUM_EXPIRED', isLasting: true },
  SEQUENCE_OLD: { code: 'BRUME_QUORUM_SEQUENCE_OLD', isLasting: true },
  SEQUENCE_GAP: { code: 'BRUME_QUORUM_SEQUENCE_GAP', isLasting: true },
  PREDICATE: { code: 'BRUME_QUORUM_PREDICATE', isLasting: true },
  PRUNED: { code: 'BRUME_QUORUM_PRUNED', isLasting: true },
  SESSIONS_FULL: { code: 'BRUME_QUORUM_SESSIONS_FULL', isLasting: false },
  POOL_FULL: { code: 'BRUME_QUORUM_POOL_FULL', isLasting: false },
  RATE: { code: 'BRUME_QUORUM_RATE', isLasting: false },
  SYNCING: { code: 'BRUME_QUORUM_SYNCING', isLasting: false },
  HALTED: { code: 'BRUME_QUORUM_HALTED', isLasting: false },
  STOPPED: { code: 'BRUME_QUORUM_STOPPED', isLasting: false },
  NO_GROUP: { code: 'BRUME_QUORUM_NO_GROUP', isLasting: false }
}

const LASTING: ReadonlySet<string> = new Set(
  Object.values(REFUSALS).flatMap(({ code, isLasting }) => (isLasting ? [code] : []))
)

/** A refusal as an error; one of a kind that is not known here counts as a member that cannot answer. */
export function errorOf({ code, height, message }: Extract<ClientAnswer, { type: 'refused' }>): QuorumError {
  const known = Object.hasOwn(REFUSALS, code) ? REFUSALS[code] : undefined
  return new QuorumError(known?.code ?? 'BRUME_QUORUM_HALTED', `${message} (at height ${height})`)
}

/** Would the same command be refused for ever? */
export function isLasting(code: QuorumErrorCode): boolean {
  return LASTING.has(code)
}
