export type QuorumErrorCode =
  | 'BRUME_QUORUM_NOT_ADMITTED'
  | 'BRUME_QUORUM_TOO_LARGE'
  | 'BRUME_QUORUM_BAD_SIGNATURE'
  | 'BRUME_QUORUM_MALFORMED'
  | 'BRUME_QUORUM_EXPIRED'
  | 'BRUME_QUORUM_SEQUENCE_OLD'
  | 'BRUME_QUORUM_SEQUENCE_GAP'
  | 'BRUME_QUORUM_SESSIONS_FULL'
  | 'BRUME_QUORUM_POOL_FULL'
  | 'BRUME_QUORUM_RATE'
  | 'BRUME_QUORUM_PRUNED'
  | 'BRUME_QUORUM_PREDICATE'
  | 'BRUME_QUORUM_UNANSWERED'
  | 'BRUME_QUORUM_NO_GROUP'
  | 'BRUME_QUORUM_SYNCING'
  | 'BRUME_QUORUM_HALTED'
  | 'BRUME_QUORUM_STOPPED'
  | 'BRUME_QUORUM_SYNC'
  | 'BRUME_QUORUM_STORE'
  | 'BRUME_QUORUM_GROUPS_FULL'
  | 'BRUME_QUORUM_OPEN'
  | 'BRUME_QUORUM_SLOT_OVER'
  | 'BRUME_QUORUM_SLOTS_FULL'

/** Why a command is not taken, or a group does not go on. */
export class QuorumError extends Error {
  override readonly name = 'QuorumError'
  readonly code: QuorumErrorCode

  constructor(code: QuorumErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
