/** Stable codes of what goes wrong when a peer is started, stopped or asked. */
export type PeerErrorCode =
  /** A setting is unknown, misspelt, of the wrong type or out of range. */
  | 'BRUME_PEER_CONFIG'
  /** The data directory cannot be made, read or written. */
  | 'BRUME_PEER_DATA_DIR'
  /** Another process runs on this data directory. */
  | 'BRUME_PEER_DATA_DIR_LOCKED'
  /** identity.json is not what this program wrote, or is gone from a folder that is in use. */
  | 'BRUME_PEER_IDENTITY'
  /** No peer was ever started on this data directory. */
  | 'BRUME_PEER_NO_IDENTITY'
  | 'BRUME_PEER_DISK_FULL'
  /** The journal or the actors' store cannot be written any more: the peer has to stop rather than forget. */
  | 'BRUME_PEER_JOURNAL'
  /** A group's manifest names a program this peer was not started with, or is no manifest. */
  | 'BRUME_PEER_PROGRAM'
  /** A part of the peer failed more often than its supervisor restarts it. */
  | 'BRUME_PEER_PART_FAILED'
  /** A peer dialled by hand did not answer in time. */
  | 'BRUME_PEER_UNREACHABLE'
  | 'BRUME_PEER_NOT_RUNNING'
  /** The control socket cannot be made, or its other end does not speak as expected. */
  | 'BRUME_PEER_CONTROL'
  | 'BRUME_PEER_USAGE'
  | 'BRUME_PEER_UNKNOWN_COMMAND'
  | 'BRUME_PEER_INTERNAL'

/** What went wrong, in one sentence that says what to do. */
export class PeerError extends Error {
  override readonly name = 'PeerError'
  readonly code: PeerErrorCode

  constructor(code: PeerErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** Has this error, or one it was caused by, the given system or brume code? */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < CAUSES_MAX; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string' && codes.includes(at.code)) return true
  }
  return false
}

/** Longest chain of causes followed: a chain may be circular. */
const CAUSES_MAX = 8

/** What a process says with its exit status; usage: it was asked for something that cannot be; 70 and 74 are sysexits' EX_SOFTWARE and EX_IOERR. */
export const EXIT = { ok: 0, refused: 1, usage: 2, internal: 70, journal: 74 } as const

/** The exit status that goes with this failure. */
export function exitStatus(error: unknown): number {
  if (hasCode(error, 'BRUME_PEER_JOURNAL', 'BRUME_MEMBERSHIP_JOURNAL', 'BRUME_JOURNAL_FAILED')) return EXIT.journal
  if (hasCode(error, 'BRUME_PEER_INTERNAL', 'BRUME_PEER_PART_FAILED')) return EXIT.internal
  if (hasCode(error, 'BRUME_PEER_USAGE', 'BRUME_PEER_UNKNOWN_COMMAND', 'BRUME_PEER_CONFIG')) return EXIT.usage
  return EXIT.refused
}

/** The peer's end when its journal's disk failed: going on would mean forgetting what it has said. */
export function journalError(cause: Error): PeerError {
  const why = cause.cause instanceof Error ? cause.cause.message : cause.message
  return new PeerError(
    'BRUME_PEER_JOURNAL',
    `the journal cannot be written (${why}); check the disk, then start again`,
    cause
  )
}

/** The peer's end when what its actors have done cannot be written: going on would mean doing it again. */
export function actorsError(cause: Error): PeerError {
  const why = cause.cause instanceof Error ? cause.cause.message : cause.message
  return new PeerError(
    'BRUME_PEER_JOURNAL',
    `actors cannot be written (${why}); check the disk, then start again`,
    cause
  )
}

/** The peer's end when one of its actors failed more often than the kernel restarts it. */
export function partError({ path, error }: { readonly path: string; readonly error: unknown }): PeerError {
  const why = error instanceof Error ? error.message : String(error)
  return new PeerError(
    'BRUME_PEER_PART_FAILED',
    `${path} keeps failing (${why}); start again, and report it if it stays`,
    error
  )
}
