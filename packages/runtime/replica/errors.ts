export type ReplicaErrorCode =
  /** The module cannot be made one script: the message names the file and the import. */
  | 'BRUME_RUNTIME_BUNDLE'
  /** It does not do the same everywhere: see `finding`. */
  | 'BRUME_RUNTIME_NONDETERMINISTIC'
  /** This peer runs another program than the group's manifest names. */
  | 'BRUME_RUNTIME_PROGRAM'
  /** Stack, memory or time of this process ended; another member's may not have. */
  | 'BRUME_RUNTIME_EXHAUSTED'
  /** This engine computes otherwise than the one the vectors were made on. */
  | 'BRUME_RUNTIME_ENGINE'

/** Why a machine cannot be replicated, and where it was seen. */
export interface Finding {
  /** `random`, `restored`, `realm`, `mutation`, `plain`, `integer`, `size`, `iterations`, `effect`, `throws`, ... */
  readonly cause: string
  /** XState's state value before the event, as JSON. */
  readonly state: string
  /** Type of the event; `` for the initial step. */
  readonly event: string
  /** Where in the record or the context, as keys joined by dots; `` where it is no place. */
  readonly path: string
}

/** A machine that cannot be replicated, or a member that cannot replicate it. */
export class ReplicaError extends Error {
  override readonly name = 'ReplicaError'
  readonly code: ReplicaErrorCode
  readonly finding: Finding | null

  constructor(
    code: ReplicaErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly finding?: Finding } = {}
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.finding = options.finding ?? null
  }
}
