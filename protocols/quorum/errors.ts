/** Bytes that are no manifest, or one that this version cannot run. */
export class ManifestError extends Error {
  readonly code = 'BRUME_QUORUM_MANIFEST'
  override readonly name = 'ManifestError'
}
