/** Why bytes or values were refused; stable, safe to branch on. */
export type CodecErrorCode =
  | 'BRUME_CODEC_TOO_LARGE'
  | 'BRUME_CODEC_TOO_DEEP'
  | 'BRUME_CODEC_TOO_MANY_ITEMS'
  | 'BRUME_CODEC_MALFORMED'
  | 'BRUME_CODEC_NOT_CANONICAL'
  | 'BRUME_CODEC_UNSUPPORTED'
  | 'BRUME_CODEC_SHAPE'
  | 'BRUME_CODEC_SHORT'
  | 'BRUME_CODEC_TRAILING'
  | 'BRUME_CODEC_RANGE'

/** Bytes that do not decode, a value that does not encode, or one of the wrong shape. */
export class CodecError extends Error {
  override readonly name = 'CodecError'
  readonly code: CodecErrorCode

  constructor(code: CodecErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
