export type StoreErrorCode =
  | 'BRUME_STORE_CLOSED'
  | 'BRUME_STORE_DAMAGED'
  | 'BRUME_STORE_IO'
  | 'BRUME_STORE_LOCKED'
  | 'BRUME_STORE_VERSION'

/** A failure of the key-value store; `code` is stable, `cause` is what the disk or LevelDB said. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export type JournalErrorCode =
  | 'BRUME_JOURNAL_BACKLOG'
  | 'BRUME_JOURNAL_CLOSED'
  | 'BRUME_JOURNAL_FAILED'
  | 'BRUME_JOURNAL_FULL'
  | 'BRUME_JOURNAL_RECORD'
  | 'BRUME_JOURNAL_VERSION'

/**
 * A failure of the journal. `FAILED` is final: a write or sync went wrong and what is on disk is
 * unknown. `FULL` and `BACKLOG` pass: the refused record was not written and may be appended again.
 */
export class JournalError extends Error {
  override readonly name = 'JournalError'
  readonly code: JournalErrorCode

  constructor(code: JournalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
