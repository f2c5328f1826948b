/**
 * What members sign and what a quorum weighs, told again from quorum.md 2 and 3. Nothing of
 * packages/consensus is imported here: a judge that shares the predicate agrees with its bug.
 */
export const NOTARIZE = 1
export const NULLIFY = 2
export const FINALIZE = 3

const NAMES: Readonly<Record<number, string>> = { 1: 'notarize', 2: 'nullify', 3: 'finalize' }
const HEADS: readonly Buffer[] = [0, 1, 2, 3].map((kind) =>
  Buffer.from(`brume/quorum-${NAMES[kind] ?? ''}/1\0`, 'latin1')
)

/** As the oracle sees a vote: fields, whoever made the object. */
export interface Said {
  readonly kind: number
  readonly epoch: number
  readonly view: number
  readonly parentView: number
  readonly digest: string
}

export interface SaidBy extends Said {
  readonly signer: number
  readonly signature: Uint8Array
}

/** Who may vote, as the run was set up. */
export interface Electorate {
  readonly groupId: Uint8Array
  readonly epoch: number
  readonly hash: Uint8Array
  readonly keys: readonly Uint8Array[]
  readonly weights: readonly number[]
  /** Domain of each member under one attribute, and how many distinct ones a block's signers must show. */
  readonly diversity: readonly { readonly domains: readonly string[]; readonly minDistinct: number }[]
}

/** `domain ‖ 0 ‖ groupId ‖ epoch ‖ committeeHash ‖ view ‖ [parentView ‖ digest]`. */
export function messageOf({ groupId, hash: committeeHash }: Electorate, said: Said): Buffer {
  const numbers = Buffer.alloc(24)
  numbers.writeBigUInt64BE(BigInt(said.epoch), 0)
  numbers.writeBigUInt64BE(BigInt(said.view), 8)
  numbers.writeBigUInt64BE(BigInt(said.parentView), 16)
  const head = HEADS[said.kind] ?? Buffer.alloc(0)
  const parts = [head, groupId, numbers.subarray(0, 8), committeeHash, numbers.subarray(8, 16)]
  if (said.kind !== NULLIFY) parts.push(numbers.subarray(16, 24), Buffer.from(said.digest, 'hex'))
  return Buffer.concat(parts)
}

/** Distinct signers' weight is more than two thirds of all. */
export function decides({ weights, diversity }: Electorate, kind: number, signers: Iterable<number>): boolean {
  let total = 0
  for (const weight of weights) total += weight
  let weight = 0
  const distinct = new Set(signers)
  for (const signer of distinct) weight += weights[signer] ?? 0
  if (3 * weight <= 2 * total) return false
  if (kind === NULLIFY) return true
  return diversity.every(({ domains, minDistinct }) => {
    return new Set([...distinct].map((signer) => domains[signer] ?? '?')).size >= minDistinct
  })
}

/** What may lie: the largest weight of which three times is less than all. */
export function mayFail(weights: readonly number[]): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return Math.ceil(total / 3) - 1
}

export function idOf({ view, kind, parentView, digest }: Said): string {
  return kind === NULLIFY ? `${view}/${kind}` : `${view}/${kind}/${parentView}/${digest}`
}
