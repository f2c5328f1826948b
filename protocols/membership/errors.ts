export type RecordErrorCode =
  | 'BRUME_MEMBERSHIP_MALFORMED'
  | 'BRUME_MEMBERSHIP_WRONG_NET'
  | 'BRUME_MEMBERSHIP_BAD_SIGNATURE'

/** Bytes that are canonical CBOR and still no record or message of this protocol. */
export class RecordError extends Error {
  override readonly name = 'RecordError'
  readonly code: RecordErrorCode

  constructor(code: RecordErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export function malformed(message: string): RecordError {
  return new RecordError('BRUME_MEMBERSHIP_MALFORMED', message)
}
