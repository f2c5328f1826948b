import { verify } from 'node:crypto'
import { asArray, asBytes, asText, asUint, decode } from '@brume/codec'
import { publicKeyOf } from './statement.ts'

const EVIDENCE_BYTES_MAX = 1_024
const NOTE_BYTES_MAX = 600
/** By kind of statement, its domain (quorum.md section 3). */
const DOMAINS: readonly (readonly [kind: number, domain: Buffer])[] = [
  'brume/quorum-notarize/1',
  'brume/quorum-nullify/1',
  'brume/quorum-finalize/1',
  'brume/quorum-checkpoint/1',
  'brume/quorum-result/1'
].map((domain, i) => [i + 1, Buffer.from(`${domain}\0`)])
/** groupId 32, epoch u64, committeeHash 32, view u64. */
const PLACE_BYTES = 80

/** Evidence as a journal holds it: against whom, and does it prove what it claims? */
export interface FoundEvidence {
  /** Ed25519 key in hex. */
  readonly key: string
  readonly epoch: number
  readonly view: number
  readonly holds: boolean
}

interface Statement {
  readonly kind: number
  readonly place: Buffer
  readonly tail: Buffer
}

function readStatement(bytes: Buffer): Statement | undefined {
  for (const [kind, domain] of DOMAINS) {
    if (!bytes.subarray(0, domain.length).equals(domain)) continue
    const end = domain.length + PLACE_BYTES
    return { kind, place: bytes.subarray(domain.length, end), tail: bytes.subarray(end) }
  }
  return undefined
}

/** Nullify beside finalize, or two tails of one kind, in one place. */
function excludeEachOther(a: Statement, b: Statement): boolean {
  if (!a.place.equals(b.place)) return false
  if (a.kind === b.kind) return !a.tail.equals(b.tail)
  return [a.kind, b.kind].sort().join() === '2,3'
}

/** `[1, signerKey, kind, statementA, signatureA, statementB, signatureB]` (quorum.md section 11). */
export function readEvidence(bytes: Uint8Array): FoundEvidence {
  const fields = asArray(decode(bytes, { bytesMax: EVIDENCE_BYTES_MAX }), 'evidence', 7)
  const bytesAt = (i: number) =>
    Buffer.from(asBytes(fields[i] ?? null, 'evidence', { min: 1, max: EVIDENCE_BYTES_MAX }))
  const raw = bytesAt(1)
  const [a, b] = [readStatement(bytesAt(3)), readStatement(bytesAt(5))]
  const key = publicKeyOf(raw)
  const areSigned = [3, 5].every((i) => verify(null, bytesAt(i), key, bytesAt(i + 1)))
  const holds = a !== undefined && b !== undefined && areSigned && excludeEachOther(a, b)
  const place = a?.place ?? Buffer.alloc(PLACE_BYTES)
  const [epoch, view] = [32, 72].map((at) => Number(place.readBigUInt64BE(at)))
  return { key: raw.toString('hex'), epoch: epoch ?? 0, view: view ?? 0, holds }
}

/** A member's note that its key must say nothing more in an epoch: `[epoch, 2, reason]`; undefined for other notes. */
export function readMuted(bytes: Uint8Array): { readonly epoch: number; readonly reason: string } | undefined {
  const [epoch, kind, reason] = asArray(decode(bytes, { bytesMax: NOTE_BYTES_MAX }), 'note', 3)
  if (kind !== 2) return undefined
  return { epoch: asUint(epoch, 'epoch'), reason: asText(reason, 'reason', 512) }
}
