import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'

/**
 * What the quorum's members sign, told again from quorum.md section 3 and not from packages/consensus:
 * a checker that shares the production predicate agrees with its bugs (testing.md, trap 4).
 */
export const NOTARIZE = 1
export const NULLIFY = 2
export const FINALIZE = 3

const DOMAINS: Readonly<Record<number, string>> = {
  [NOTARIZE]: 'brume/quorum-notarize/1',
  [NULLIFY]: 'brume/quorum-nullify/1',
  [FINALIZE]: 'brume/quorum-finalize/1'
}

export interface SignedStatement {
  readonly kind: number
  readonly signer: number
  readonly epoch: number
  readonly view: number
  /** parentView u64 and blockDigest 32, in hex; empty for nullify. */
  readonly tail: string
  /** 64 bytes in hex. */
  readonly signature: string
}

/** Domain-separated hash of quorum.md section 1. */
export function hash(domain: string, ...parts: readonly Uint8Array[]): Buffer {
  const digest = createHash('sha256').update(domain).update(Buffer.of(0))
  for (const part of parts) digest.update(part)
  return digest.digest()
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

/** SubjectPublicKeyInfo of an Ed25519 key up to the key itself (RFC 8410 section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

export function publicKeyOf(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' })
}

/** Did this key sign this statement for this group and committee? */
export function isSignedBy(
  key: KeyObject,
  group: { readonly groupId: Uint8Array; readonly committeeHash: Uint8Array },
  statement: Omit<SignedStatement, 'signer'>
): boolean {
  const message = Buffer.concat([
    Buffer.from(`${DOMAINS[statement.kind]}\0`),
    group.groupId,
    u64(statement.epoch),
    group.committeeHash,
    u64(statement.view),
    Buffer.from(statement.tail, 'hex')
  ])
  return verify(null, message, key, Buffer.from(statement.signature, 'hex'))
}

/** May one honest member sign both? Two tails of one kind: no. Nullify and finalize of one view: no. */
export function contradict(a: SignedStatement, b: SignedStatement): boolean {
  if (a.signer !== b.signer || a.epoch !== b.epoch || a.view !== b.view) return false
  if (a.kind === b.kind) return a.tail !== b.tail
  return a.kind + b.kind === NULLIFY + FINALIZE
}
