export type DeliveryErrorCode =
  /** Bytes that are no frame, or a frame that may not come now: the stream is ended. */
  | 'BRUME_DELIVERY_FRAME'
  /** More was sent than was allowed: the stream is ended. */
  | 'BRUME_DELIVERY_LIMIT'

/** What a peer sent breaks the protocol. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  readonly code: DeliveryErrorCode

  constructor(code: DeliveryErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export function badFrame(what: string): DeliveryError {
  return new DeliveryError('BRUME_DELIVERY_FRAME', what)
}
