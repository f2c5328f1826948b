/** Bytes that are no manifest, or one that this version cannot run. */
export class ManifestError extends Error {
  readonly code = 'BRUME_QUORUM_MANIFEST'
  override readonly name = 'ManifestError'
}

/** Which part of a bundle does not prove what it should. */
export type BundleFault =
  /** Not the bytes of a bundle. */
  | 'MALFORMED'
  /** Of another group, or another epoch than the trusted committee and the closings lead to. */
  | 'GROUP'
  | 'EPOCH'
  /** An epoch does not end as it says, or names other successors. */
  | 'CLOSING'
  /** Headers that are no chain down from the finalized block. */
  | 'HEADERS'
  /** The certificate is of another block or kind; its signers do not suffice; one did not sign. */
  | 'FINALIZATION'
  | 'WEIGHT'
  | 'SIGNATURE'
  | 'ATTESTATION'
  | 'CHECKPOINT'
  /** A leaf that is not under the root. */
  | 'LEAF'
  /** All is well for the group, but the client wants other signers. */
  | 'PREDICATE'

/** A bundle that proves nothing to this verifier. */
export class BundleError extends Error {
  readonly code = 'BRUME_QUORUM_BUNDLE'
  override readonly name = 'BundleError'
  readonly reason: BundleFault

  constructor(reason: BundleFault, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}
