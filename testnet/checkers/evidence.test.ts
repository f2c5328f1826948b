import { encode } from '@brume/codec'
import { createCommittee, KIND, signedBytes, type VoteKind } from '@brume/consensus'
import { identityFromSeed, sha256 } from '@brume/crypto'
import { encodeEvidence, makeEvidence } from '@brume/protocols/quorum'
import { expect, test } from 'vitest'
import { readEvidence, readMuted } from './evidence.ts'

const LIAR = identityFromSeed(sha256(Uint8Array.of(1)))
/** Of the committee only its bytes are signed. */
const COMMITTEE = createCommittee({
  groupId: new Uint8Array(32).fill(1),
  epoch: 0,
  hash: new Uint8Array(32).fill(2),
  seed: new Uint8Array(32),
  members: [{ key: LIAR.publicKey, weight: 1 }]
})

function signed(kind: VoteKind, byte: number) {
  const bare = kind === KIND.nullify
  const digest = bare ? '' : Buffer.alloc(32, byte).toString('hex')
  const statement = signedBytes(COMMITTEE, { kind, epoch: 0, view: 7, parentView: bare ? 0 : 6, digest })
  return { statement, signature: LIAR.sign(statement) }
}

const pairs = [
  [signed(KIND.notarize, 1), signed(KIND.notarize, 2)],
  [signed(KIND.finalize, 1), signed(KIND.finalize, 2)],
  [signed(KIND.nullify, 0), signed(KIND.finalize, 2)]
] as const

test.each(pairs)('what production takes for evidence holds here', (a, b) => {
  const evidence = makeEvidence(LIAR.publicKey, a, b)
  if (evidence === undefined) throw new Error('no evidence')
  const found = readEvidence(encodeEvidence(evidence))
  expect(found).toEqual({ key: Buffer.from(LIAR.publicKey).toString('hex'), epoch: 0, view: 7, holds: true })
  const [first, second] = evidence.said
  const forged = { ...second, signature: second.signature.map((byte) => byte ^ 1) }
  expect(readEvidence(encodeEvidence({ ...evidence, said: [first, forged] })).holds).toBe(false)
})

test('two statements that may stand beside each other prove nothing', () => {
  const harmless = [
    [signed(KIND.notarize, 1), signed(KIND.notarize, 1)],
    [signed(KIND.notarize, 1), signed(KIND.nullify, 0)],
    [signed(KIND.notarize, 1), signed(KIND.finalize, 2)]
  ] as const
  for (const [a, b] of harmless) {
    const bytes = encode([1, LIAR.publicKey, 1, a.statement, a.signature, b.statement, b.signature])
    expect(readEvidence(bytes).holds).toBe(false)
  }
})

test('a note that mutes is told from others', () => {
  expect(readMuted(encode([3, 2, 'lost']))).toEqual({ epoch: 3, reason: 'lost' })
  expect(readMuted(encode([3, 1, '']))).toBeUndefined()
})
