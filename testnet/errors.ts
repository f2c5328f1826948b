/** What went wrong in a run; the code is stable, the message says what to do. */
export type TestnetErrorCode =
  | 'BRUME_TESTNET_ARGUMENT'
  | 'BRUME_TESTNET_MANIFEST'
  | 'BRUME_TESTNET_NO_RUN'
  | 'BRUME_TESTNET_NOT_RUNNING'
  | 'BRUME_TESTNET_UNKNOWN_PEER'
  | 'BRUME_TESTNET_PEER_FAILED'
  | 'BRUME_TESTNET_DEADLINE'
  | 'BRUME_TESTNET_CLEANUP'
  | 'BRUME_TESTNET_VIOLATION'
  | 'BRUME_TESTNET_INCONCLUSIVE'
  /** There is nothing to check. */
  | 'BRUME_TESTNET_NO_VOTES'

export class TestnetError extends Error {
  override readonly name = 'TestnetError'
  readonly code: TestnetErrorCode

  constructor(code: TestnetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
