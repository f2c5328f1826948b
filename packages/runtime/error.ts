export type RuntimeErrorCode =
  | 'BRUME_RUNTIME_PATH_TAKEN'
  | 'BRUME_RUNTIME_STOPPED'
  | 'BRUME_RUNTIME_CHILD_FAILED'
  | 'BRUME_RUNTIME_ADDRESS'
  | 'BRUME_RUNTIME_KIND'
  | 'BRUME_RUNTIME_LIMIT'
  | 'BRUME_RUNTIME_EFFECT'
  | 'BRUME_RUNTIME_MOVE'
  | `BRUME_RUNTIME_${
      | 'FULL'
      | 'NOACTOR'
      | 'STALE'
      | 'INVALID'
      | 'FORBIDDEN'
      | 'EXPIRED'
      | 'GAP'
      | 'FAILED'
      | 'DAMAGED'
      | 'UNMIGRATED'
      | 'REJECTED'
      | 'OVERLOAD'
      | 'MOVED'
      | 'UNREACHABLE'
      | 'TIMEOUT'
      | 'ABORTED'}`
  | 'BRUME_RUNTIME_CHILD_ID'
  | 'BRUME_RUNTIME_CHILD_SRC'
  | 'BRUME_RUNTIME_DELAY'
  | 'BRUME_RUNTIME_INERT'
  | 'BRUME_RUNTIME_LOGIC'
  | 'BRUME_RUNTIME_NOT_PLAIN'
  | 'BRUME_RUNTIME_OUTSIDE_STEP'
  | 'BRUME_RUNTIME_RECORD'
  | 'BRUME_RUNTIME_SCHEMA'
  | 'BRUME_RUNTIME_TARGET'

/** A wrong call of the kernel, or an actor that failed because one below it did. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError'
  readonly code: RuntimeErrorCode

  constructor(code: RuntimeErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
