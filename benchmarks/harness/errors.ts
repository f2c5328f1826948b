export type BenchErrorCode =
  | 'BRUME_BENCH_USAGE'
  | 'BRUME_BENCH_MEMBER_FAILED'
  | 'BRUME_BENCH_DEADLINE'
  | 'BRUME_BENCH_NO_SAMPLES'

/** Why a measurement came to nothing; the code is stable, the message says what to do. */
export class BenchError extends Error {
  override readonly name = 'BenchError'
  readonly code: BenchErrorCode

  constructor(code: BenchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
