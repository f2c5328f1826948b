/** Stable codes of everything that can go wrong in this room. */
export type NetErrorCode =
  | 'BRUME_NET_UNREACHABLE'
  | 'BRUME_NET_TIMEOUT'
  | 'BRUME_NET_FRAME_TOO_LARGE'
  | 'BRUME_NET_STREAM_CLOSED'
  | 'BRUME_NET_BANNED'
  | 'BRUME_NET_NO_ADDRESS'
  | 'BRUME_NET_NO_MULTICAST_ROUTE'
  | 'BRUME_NET_PORT_IN_USE'
  | 'BRUME_NET_TOO_MANY_TOPICS'

/** The only error class this room hands out; the message says what to do. */
export class NetError extends Error {
  override readonly name = 'NetError'
  readonly code: NetErrorCode

  constructor(code: NetErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** Any thrown value as an `Error`, for the libp2p calls that take nothing else. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
