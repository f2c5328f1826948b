import type { Found } from '@brume/actors/quorum'
import { encodeProof } from '@brume/protocols/actors/proof'
import { type Answer, decodeAnswer, Items, type ReplicaSnapshot, readLeaf, snapshotOf } from '@brume/runtime/replica'

/** What became of a command, of its leaf: that of `Order.attested`, or of a read of a `queryPath`. @throws CodecError */
export function readAnswer(leaf: Uint8Array): Answer {
  return decodeAnswer(readLeaf(leaf).bytes)
}

/**
 * A whole state, of what a read of `SNAPSHOT_PATHS` found. Null where the machine has not begun: no block has come yet.
 *
 * @throws CodecError where leaves are missing
 */
export function readSnapshot({ leaves }: Pick<Found, 'leaves'>): ReplicaSnapshot | null {
  if (leaves === null) return null
  return snapshotOf(new Items(leaves.map(readLeaf).map(({ path, bytes }) => [path, bytes])))
}

/**
 * For `verifyProof`: what a certified read found, of the state or of an answer, for whoever knows the address alone.
 *
 * @throws RangeError for a read that was not certified, or found nothing
 */
export function proofOf(manifest: Uint8Array, { bundle, places }: Pick<Found, 'bundle' | 'places'>): Uint8Array {
  if (bundle === null || places === null) throw new RangeError('only a certified read that found something proves it')
  return encodeProof(manifest, bundle, places.slice(1))
}

/** For `verifyProof`: what became of a command, of `Order.attested`. */
export function answerProof(manifest: Uint8Array, { bundle }: { readonly bundle: Uint8Array }): Uint8Array {
  return encodeProof(manifest, bundle, [])
}
