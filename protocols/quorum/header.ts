import { asArray, asBytes, asUint, decode, optional, toHex } from '@brume/codec'
import { DOMAIN, hash } from '@brume/crypto'
import { BlockError, HEADER_BYTES_MAX, VRF_PROOF_BYTES } from './block.ts'

const VERSION = 1
const CLOSING = 1
/** More than any block holds; the header alone does not prove what is in the payload. */
const COUNT_MAX = 2 ** 32 - 1

/** A block without what it orders: enough to follow a chain by. Digests in lower-case hex. */
export interface Header {
  readonly groupId: Uint8Array
  readonly epoch: number
  readonly view: number
  readonly height: number
  readonly parentView: number
  readonly parent: string
  /** Hash of the payload: whoever holds the payload can show what the block orders. */
  readonly bodyDigest: Uint8Array
  readonly bodyBytes: number
  readonly commands: number
  /** The hash of the committee that takes over after this block, which then closes its epoch; null in all others. */
  readonly nextCommittee: Uint8Array | null
  /** Of the block itself: the hash of these very bytes. */
  readonly digest: string
}

/**
 * Reads a header by itself, whichever group it is of. What it says of parent and payload is for who has them to check.
 *
 * @throws CodecError, BlockError
 */
export function readHeader(bytes: Uint8Array): Header {
  const fields = asArray(decode(bytes, { bytesMax: HEADER_BYTES_MAX, itemsMax: 16 }), 'header', 13)
  const [version, group, epoch, view, height, parentView, parent, bodyDigest, bodyBytes, count, flags, next, proof] =
    fields
  asUint(version, 'header version', VERSION, VERSION)
  const nextCommittee = optional(next, (value) => asBytes(value, 'nextCommittee', 32))
  optional(proof, (value) => asBytes(value, 'vrfProof', VRF_PROOF_BYTES))
  if (asUint(flags, 'flags', CLOSING) !== (nextCommittee === null ? 0 : CLOSING)) {
    throw new BlockError('a header closes its epoch and names no committee, or the other way round')
  }
  return {
    groupId: asBytes(group, 'groupId', 32),
    epoch: asUint(epoch, 'epoch'),
    view: asUint(view, 'view', undefined, 1),
    height: asUint(height, 'height', undefined, 1),
    parentView: asUint(parentView, 'parentView'),
    parent: toHex(asBytes(parent, 'parentDigest', 32)),
    bodyDigest: asBytes(bodyDigest, 'bodyDigest', 32),
    bodyBytes: asUint(bodyBytes, 'bodyBytes'),
    commands: asUint(count, 'commandCount', COUNT_MAX),
    nextCommittee,
    digest: toHex(hash(DOMAIN.quorumBlock, bytes))
  }
}
