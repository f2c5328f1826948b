export type MembershipErrorCode =
  | 'BRUME_MEMBERSHIP_CLONED'
  | 'BRUME_MEMBERSHIP_JOURNAL'
  | 'BRUME_MEMBERSHIP_SETTINGS'
  | 'BRUME_MEMBERSHIP_STOPPED'

/** Why membership does not start or had to stop. */
export class MembershipError extends Error {
  override readonly name = 'MembershipError'
  readonly code: MembershipErrorCode

  constructor(code: MembershipErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export function haltError(reason: 'cloned' | 'journal', detail: string): MembershipError {
  if (reason === 'cloned') {
    return new MembershipError(
      'BRUME_MEMBERSHIP_CLONED',
      `another peer signs with this identity (${detail}): stop one of the copies, or give this one a new identity`
    )
  }
  return new MembershipError(
    'BRUME_MEMBERSHIP_JOURNAL',
    `the journal failed (${detail}), so no further record may be signed: check the disk, then restart`
  )
}
