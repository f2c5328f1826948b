import { asArray, asBytes, asUint, CodecError, compare, decode, encode, equal, toHex } from '@brume/codec'
import { DOMAIN, verify } from '@brume/crypto'

/** Two checkpoint statements with their signatures take 580 bytes; the rest is room for longer statements to come. */
export const EVIDENCE_BYTES_MAX = 1_024

const VERSION = 1
const STATEMENT_BYTES_MAX = 384
/** groupId 32, epoch u64, committeeHash 32, view u64. */
const PLACE_BYTES = 80

/** What the evidence shows: two statements of that kind, or, for `nullify`, one beside a finalize of the same view. */
export const EVIDENCE_KIND = { notarize: 1, nullify: 2, finalize: 3, checkpoint: 4, result: 5 } as const
export type EvidenceKind = (typeof EVIDENCE_KIND)[keyof typeof EVIDENCE_KIND]

/** By kind, the domain of the signed bytes and the length of what follows their place. */
const FORMS: readonly { readonly kind: EvidenceKind; readonly domain: Uint8Array; readonly tailBytes: number }[] = [
  form(EVIDENCE_KIND.notarize, DOMAIN.quorumNotarize, 40),
  form(EVIDENCE_KIND.nullify, DOMAIN.quorumNullify, 0),
  form(EVIDENCE_KIND.finalize, DOMAIN.quorumFinalize, 40),
  form(EVIDENCE_KIND.checkpoint, DOMAIN.quorumCheckpoint, 96),
  form(EVIDENCE_KIND.result, DOMAIN.quorumResult, 32)
]

function form(kind: EvidenceKind, domain: string, tailBytes: number) {
  return { kind, domain: Buffer.from(`${domain}\0`, 'latin1'), tailBytes }
}

/** Bytes that a key signed, whole: domain, group, epoch, committee, view and tail; and the signature, 64 bytes. */
export interface Signed {
  readonly statement: Uint8Array
  readonly signature: Uint8Array
}

/** Proof that the holder of one key said two things about one view that no honest member says both of. */
export interface Evidence {
  /** Ed25519, 32 bytes: who is blamed, and nobody else. */
  readonly key: Uint8Array
  readonly kind: EvidenceKind
  /** In the order of their statements' bytes, so that one contradiction has one form. */
  readonly said: readonly [Signed, Signed]
  readonly groupId: Uint8Array
  readonly epoch: number
  readonly view: number
}

/** What signed bytes say about what. */
interface Reading {
  readonly kind: EvidenceKind
  readonly place: Uint8Array
  readonly epoch: number
  readonly view: number
}

/** Puts two signed statements of one key together; undefined where one honest member may say both. */
export function makeEvidence(key: Uint8Array, a: Signed, b: Signed): Evidence | undefined {
  const said: [Signed, Signed] = compare(a.statement, b.statement) < 0 ? [a, b] : [b, a]
  const first = readStatement(said[0].statement)
  const second = readStatement(said[1].statement)
  if (first === undefined || second === undefined || !equal(first.place, second.place)) return undefined
  if (equal(a.statement, b.statement)) return undefined
  const kind = kindOf(first.kind, second.kind)
  if (kind === undefined) return undefined
  const { place, epoch, view } = first
  return { key, kind, said, groupId: place.slice(0, 32), epoch, view }
}

function kindOf(a: EvidenceKind, b: EvidenceKind): EvidenceKind | undefined {
  if (a === b) return a
  const { nullify, finalize } = EVIDENCE_KIND
  return (a === nullify && b === finalize) || (a === finalize && b === nullify) ? nullify : undefined
}

function readStatement(bytes: Uint8Array): Reading | undefined {
  for (const { kind, domain, tailBytes } of FORMS) {
    const length = domain.length + PLACE_BYTES + tailBytes
    if (bytes.length !== length || !equal(bytes.subarray(0, domain.length), domain)) continue
    const place = bytes.subarray(domain.length, domain.length + PLACE_BYTES)
    const view = new DataView(place.buffer, place.byteOffset, place.length)
    const epoch = Number(view.getBigUint64(32))
    const number = Number(view.getBigUint64(72))
    if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(number)) return undefined
    return { kind, place, epoch, view: number }
  }
  return undefined
}

/** `[1, signerKey, kind, statementA, signatureA, statementB, signatureB]`, canonical CBOR of at most 1 KiB. */
export function encodeEvidence({ key, kind, said: [a, b] }: Evidence): Uint8Array {
  return encode([VERSION, key, kind, a.statement, a.signature, b.statement, b.signature])
}

/**
 * Reads evidence and checks that its statements exclude each other; signatures are left to `verifyEvidence`.
 *
 * @throws CodecError
 */
export function decodeEvidence(bytes: Uint8Array): Evidence {
  const fields = asArray(decode(bytes, { bytesMax: EVIDENCE_BYTES_MAX, itemsMax: 16 }), 'evidence', 7)
  const [version, key, kind, statementA, signatureA, statementB, signatureB] = fields
  asUint(version, 'version', VERSION, VERSION)
  const a = readSigned(statementA, signatureA)
  const b = readSigned(statementB, signatureB)
  const evidence = makeEvidence(asBytes(key, 'signer key', 32), a, b)
  if (evidence === undefined) throw new CodecError('BRUME_CODEC_SHAPE', 'the statements do not exclude each other')
  if (evidence.said[0] !== a) throw new CodecError('BRUME_CODEC_NOT_CANONICAL', 'the statements are not in order')
  asUint(kind, 'kind', evidence.kind, evidence.kind)
  return evidence
}

function readSigned(statement: Parameters<typeof asBytes>[0], signature: Parameters<typeof asBytes>[0]): Signed {
  return {
    statement: asBytes(statement, 'statement', { min: 1, max: STATEMENT_BYTES_MAX }),
    signature: asBytes(signature, 'signature', 64)
  }
}

/** Did the key sign both? Two verifications, about 0.25 ms; needs nothing that is not in the evidence. */
export function verifyEvidence({ key, said }: Evidence): boolean {
  return said.every(({ statement, signature }) => verify(key, statement, signature))
}

/** Names the offence, whichever pair of its statements was found: group, signer, epoch, view and kind. */
export function offenceOf({ key, groupId, epoch, view, kind }: Evidence): string {
  return `${toHex(groupId)}/${toHex(key)}/${epoch}/${view}/${kind}`
}
