/** A list of members that cannot form a committee. */
export class CommitteeError extends Error {
  readonly code = 'BRUME_QUORUM_COMMITTEE'
  override readonly name = 'CommitteeError'
}
