/** The codes of a real net's errors that a simulated one gives; the class of the real ones is in @brume/net. */
export type SimNetErrorCode =
  | 'BRUME_NET_BANNED'
  | 'BRUME_NET_FRAME_TOO_LARGE'
  | 'BRUME_NET_STREAM_CLOSED'
  | 'BRUME_NET_TIMEOUT'
  | 'BRUME_NET_TOO_MANY_TOPICS'
  | 'BRUME_NET_UNREACHABLE'

/** Named as the real one, so that code under test cannot tell them apart by name or code. */
export class SimNetError extends Error {
  override readonly name = 'NetError'
  readonly code: SimNetErrorCode

  constructor(code: SimNetErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
