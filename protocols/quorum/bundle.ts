import { asArray, asBytes, asUint, type CborValue, CodecError, decode, encode, optional } from '@brume/codec'
import type { Certificate } from '@brume/consensus'
import {
  ATTEST,
  type AttestationCertificate,
  decodeAttestationCertificate,
  encodeAttestationCertificate,
  STATEMENT_BYTES_MAX
} from './attestation.ts'
import { HEADER_BYTES_MAX } from './block.ts'
import { decodeCertificate, encodeCertificate } from './certificate.ts'
import {
  CHECKPOINT,
  type CheckpointCertificate,
  decodeCheckpointCertificate,
  encodeCheckpointCertificate
} from './checkpoint.ts'
import { LEAF_BYTES_MAX } from './page.ts'

/** Certificates of 100 members, 64 headers and a dozen changes of a large committee. Who needs more takes two bundles. */
export const BUNDLE_BYTES_MAX = 524_288

/** Blocks from the wanted one up to one with a finalization of its own: more than may wait unfinalized. */
export const BUNDLE_HEADERS_MAX = 64

/** Changes of epoch in one bundle. */
export const BUNDLE_CLOSINGS_MAX = 32

const VERSION = 1
const CERTIFICATE_BYTES_MAX = 8_192
/** 100 members with the longest names. */
const COMMITTEE_BYTES_MAX = 65_536
/** Leaves of a tree whose audit path is at most this long. */
const PATH_MAX = 32
const LEAVES_MAX = 2 ** PATH_MAX

/** How one epoch ended: the final block that closed it, and who decides from then on. */
export interface Closing {
  readonly header: Uint8Array
  readonly finalization: Certificate
  /** As `encodeCommittee` wrote it; may be null where the committee stays the same. */
  readonly committee: Uint8Array | null
}

/** One leaf under a root, with the audit path of RFC 6962. */
export interface LeafProof {
  readonly leaf: Uint8Array
  readonly index: number
  readonly count: number
  readonly path: readonly Uint8Array[]
}

/** What the program said of the wanted block, signed by weight > F, and a leaf under a root that it names. */
export interface AttestationProof extends LeafProof {
  readonly kind: typeof ATTEST
  readonly statement: Uint8Array
  readonly certificate: AttestationCertificate
}

/** The state after the wanted block, signed by a quorum, and a leaf of it. */
export interface CheckpointProof extends LeafProof {
  readonly kind: typeof CHECKPOINT
  readonly certificate: CheckpointCertificate
}

/** All that it takes to show somebody who knows the manifest, and nothing else, that a block is final and what came of it. */
export interface Bundle {
  /** From the epoch of the trusted committee on, one an epoch. */
  readonly closings: readonly Closing[]
  /** From the block with a finalization of its own down to the wanted one, 1 to 64. */
  readonly headers: readonly Uint8Array[]
  readonly finalization: Certificate
  readonly proof: AttestationProof | CheckpointProof | null
}

/** `[1, [[header, finalization, committee | null]], [header], finalization, proof | null]`, canonical CBOR. */
export function encodeBundle({ closings, headers, finalization, proof }: Bundle): Uint8Array {
  return encode([
    VERSION,
    closings.map((one) => [one.header, encodeCertificate(one.finalization), one.committee]),
    [...headers],
    encodeCertificate(finalization),
    proof === null ? null : proofField(proof)
  ])
}

/** `[6, statement, certificate, leaf, index, count, path]` or `[4, certificate, leaf, index, count, path]`. */
function proofField(proof: AttestationProof | CheckpointProof): CborValue {
  const place = placeField(proof)
  if (proof.kind === CHECKPOINT) return [CHECKPOINT, encodeCheckpointCertificate(proof.certificate), ...place]
  return [ATTEST, proof.statement, encodeAttestationCertificate(proof.certificate), ...place]
}

/** `[leaf, index, count, path]`. */
export function placeField({ leaf, index, count, path }: LeafProof): readonly CborValue[] {
  return [leaf, index, count, [...path]]
}

/** Form alone; `verifyFinal` says whether it proves anything. @throws CodecError */
export function decodeBundle(bytes: Uint8Array): Bundle {
  const fields = asArray(decode(bytes, { bytesMax: BUNDLE_BYTES_MAX, itemsMax: 512 }), 'bundle', 5)
  const [version, closings, headers, finalization, proof] = fields
  asUint(version, 'bundle version', VERSION, VERSION)
  return {
    closings: asArray(closings, 'closings', { min: 0, max: BUNDLE_CLOSINGS_MAX }).map(readClosing),
    headers: asArray(headers, 'headers', { min: 1, max: BUNDLE_HEADERS_MAX }).map(readHeaderBytes),
    finalization: decodeCertificate(readCertificateBytes(finalization)),
    proof: optional(proof, readProof)
  }
}

function readClosing(value: CborValue): Closing {
  const [header, finalization, committee] = asArray(value, 'closing', 3)
  return {
    header: readHeaderBytes(header),
    finalization: decodeCertificate(readCertificateBytes(finalization)),
    committee: optional(committee, (bytes) => asBytes(bytes, 'committee', { min: 1, max: COMMITTEE_BYTES_MAX }))
  }
}

function readHeaderBytes(value: CborValue | undefined): Uint8Array {
  return asBytes(value, 'header', { min: 1, max: HEADER_BYTES_MAX })
}

function readCertificateBytes(value: CborValue | undefined): Uint8Array {
  return asBytes(value, 'certificate', { min: 1, max: CERTIFICATE_BYTES_MAX })
}

function readProof(value: CborValue | undefined): AttestationProof | CheckpointProof {
  const [kind, ...rest] = asArray(value, 'proof', { min: 6, max: 7 })
  if (kind === CHECKPOINT) {
    const [certificate, ...place] = asArray(rest, 'checkpoint proof', 5)
    return {
      kind: CHECKPOINT,
      certificate: decodeCheckpointCertificate(readCertificateBytes(certificate)),
      ...readPlace(place)
    }
  }
  if (kind !== ATTEST) throw new CodecError('BRUME_CODEC_SHAPE', `${String(kind)} is no kind of proof`)
  const [statement, certificate, ...place] = asArray(rest, 'attestation proof', 6)
  return {
    kind: ATTEST,
    statement: asBytes(statement, 'statement', { min: 1, max: STATEMENT_BYTES_MAX }),
    certificate: decodeAttestationCertificate(readCertificateBytes(certificate)),
    ...readPlace(place)
  }
}

/** @throws CodecError */
export function readPlace([leaf, index, count, path]: readonly CborValue[]): LeafProof {
  return {
    leaf: asBytes(leaf, 'leaf', { min: 0, max: LEAF_BYTES_MAX }),
    index: asUint(index, 'index', LEAVES_MAX),
    count: asUint(count, 'count', LEAVES_MAX, 1),
    path: asArray(path, 'path', { min: 0, max: PATH_MAX }).map((node) => asBytes(node, 'path', 32))
  }
}
