export type ObserveErrorCode = 'BRUME_OBSERVE_LOG_FILE' | 'BRUME_OBSERVE_METRIC'

/** A log file that cannot be opened, or a metric's name that is taken by another kind. */
export class ObserveError extends Error {
  override readonly name = 'ObserveError'
  readonly code: ObserveErrorCode

  constructor(code: ObserveErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
