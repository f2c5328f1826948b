export type CryptoErrorCode = 'BRUME_CRYPTO_SEED_SIZE' | 'BRUME_CRYPTO_KEY_SIZE' | 'BRUME_CRYPTO_NETWORK'

/** A caller handed in something of the wrong size or kind; bad signatures are never errors, only `false`. */
export class CryptoError extends Error {
  override readonly name = 'CryptoError'
  readonly code: CryptoErrorCode

  constructor(code: CryptoErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
