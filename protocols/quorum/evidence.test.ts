import { readFileSync } from 'node:fs'
import { CodecError, encode, fromHex, toHex } from '@brume/codec'
import { KIND, type Statement, signedBytes } from '@brume/consensus'
import { DOMAIN, signedMessage } from '@brume/crypto'
import { assertWithstands } from '@brume/testkit/hostile'
import { describe, expect, test } from 'vitest'
import {
  decodeEvidence,
  EVIDENCE_BYTES_MAX,
  EVIDENCE_KIND,
  type Evidence,
  encodeEvidence,
  makeEvidence,
  offenceOf,
  type Signed,
  verifyEvidence
} from './index.ts'
import { block, committee, groupId, memberIdentity, voteOf } from './samples.ts'

const SIGNER = 1
const identity = memberIdentity(SIGNER)
const key = identity.publicKey

function signed(statement: Statement, in_ = committee): Signed {
  const bytes = signedBytes(in_, statement)
  return { statement: bytes, signature: identity.sign(bytes) }
}

const statementOf = (kind: 1 | 2 | 3): Statement => {
  const { signature: _, signer: __, ...statement } = voteOf(kind, SIGNER)
  return statement
}
const NOTARIZE = statementOf(KIND.notarize)
const NULLIFY = statementOf(KIND.nullify)
const FINALIZE = statementOf(KIND.finalize)
const other = (statement: Statement): Statement => ({ ...statement, digest: 'ab'.repeat(32) })
const otherParent = (statement: Statement): Statement => ({ ...statement, parentView: 3 })

/** Statements that this version signs nowhere yet: their place is that of a vote, their tails are their own. */
function signedTail(domain: (typeof DOMAIN)['quorumCheckpoint' | 'quorumResult'], tail: Uint8Array): Signed {
  const vote = signedBytes(committee, NULLIFY)
  const place = vote.subarray(vote.length - 80)
  const statement = signedMessage(domain, place, tail)
  return { statement, signature: identity.sign(statement) }
}
const checkpoint = (byte: number) => signedTail(DOMAIN.quorumCheckpoint, new Uint8Array(96).fill(byte))
const result = (byte: number) => signedTail(DOMAIN.quorumResult, new Uint8Array(32).fill(byte))

const PAIRS: readonly (readonly [string, number, Signed, Signed])[] = [
  ['two notarize', EVIDENCE_KIND.notarize, signed(NOTARIZE), signed(other(NOTARIZE))],
  ['two notarize of one block on two parents', EVIDENCE_KIND.notarize, signed(NOTARIZE), signed(otherParent(NOTARIZE))],
  ['nullify and finalize', EVIDENCE_KIND.nullify, signed(NULLIFY), signed(FINALIZE)],
  ['two finalize', EVIDENCE_KIND.finalize, signed(FINALIZE), signed(other(FINALIZE))],
  ['two checkpoints', EVIDENCE_KIND.checkpoint, checkpoint(1), checkpoint(2)],
  ['two results', EVIDENCE_KIND.result, result(1), result(2)]
]
const SAMPLES: readonly Evidence[] = PAIRS.flatMap(([, , a, b]) => makeEvidence(key, a, b) ?? [])

describe('what proves something', () => {
  test.each(PAIRS)('%s', (_, kind, a, b) => {
    const evidence = makeEvidence(key, a, b)
    if (evidence === undefined) throw new Error('no evidence')
    expect(evidence).toMatchObject({ kind, epoch: 0, view: 5 })
    expect(toHex(evidence.groupId)).toBe(toHex(groupId))
    expect(verifyEvidence(evidence)).toBe(true)
    const bytes = encodeEvidence(evidence)
    expect(bytes.length).toBeLessThanOrEqual(EVIDENCE_BYTES_MAX)
    expect(toHex(encodeEvidence(decodeEvidence(bytes)))).toBe(toHex(bytes))
  })

  test('whichever statement came first: one form, one offence', () => {
    for (const [, , a, b] of PAIRS) {
      const [one, two] = [makeEvidence(key, a, b), makeEvidence(key, b, a)]
      expect(one).toEqual(two)
    }
    const offences = new Set(SAMPLES.map(offenceOf))
    // The two pairs of notarize votes are one offence.
    expect(offences.size).toBe(PAIRS.length - 1)
  })
})

describe('what proves nothing', () => {
  const nothing: readonly (readonly [string, Signed, Signed])[] = [
    ['one statement twice', signed(NOTARIZE), signed(NOTARIZE)],
    [
      'another signature over the same statement',
      signed(NOTARIZE),
      { ...signed(NOTARIZE), signature: new Uint8Array(64) }
    ],
    ['notarize and nullify', signed(NOTARIZE), signed(NULLIFY)],
    ['notarize and finalize of another block', signed(NOTARIZE), signed(other(FINALIZE))],
    ['two views', signed(FINALIZE), signed({ ...other(FINALIZE), view: 6 })],
    ['two epochs', signed(FINALIZE), signed({ ...other(FINALIZE), epoch: 1 })],
    ['two groups', signed(FINALIZE), signed(other(FINALIZE), { ...committee, groupId: new Uint8Array(32) })],
    ['two committees', signed(FINALIZE), signed(other(FINALIZE), { ...committee, hash: new Uint8Array(32) })],
    ['a checkpoint and a vote', signed(FINALIZE), checkpoint(1)],
    ['bytes that are no statement', signed(FINALIZE), { ...signed(FINALIZE), statement: new Uint8Array(150) }]
  ]
  test.each(nothing)('%s', (_, a, b) => {
    expect(makeEvidence(key, a, b)).toBeUndefined()
    const [first, second] = Buffer.compare(a.statement, b.statement) < 0 ? [a, b] : [b, a]
    for (const kind of [1, 2, 3, 4]) {
      const bytes = encode([1, key, kind, first.statement, first.signature, second.statement, second.signature])
      expect(() => decodeEvidence(bytes)).toThrow(CodecError)
    }
  })

  test('a signature of another key, on either statement', () => {
    for (const evidence of SAMPLES) {
      expect(verifyEvidence({ ...evidence, key: memberIdentity(2).publicKey })).toBe(false)
      const [a, b] = evidence.said
      const forged = memberIdentity(2).sign(b.statement)
      expect(verifyEvidence({ ...evidence, said: [a, { ...b, signature: forged }] })).toBe(false)
      expect(verifyEvidence({ ...evidence, said: [{ ...a, signature: new Uint8Array(64) }, b] })).toBe(false)
    }
  })

  test('the wrong kind, the wrong order, a later version', () => {
    const [evidence] = SAMPLES
    if (evidence === undefined) throw new Error('no sample')
    const [a, b] = evidence.said
    expect(() => decodeEvidence(encodeEvidence({ ...evidence, kind: EVIDENCE_KIND.finalize }))).toThrow(CodecError)
    expect(() => decodeEvidence(encodeEvidence({ ...evidence, said: [b, a] }))).toThrow(CodecError)
    expect(() => decodeEvidence(encode([2, key, 1, a.statement, a.signature, b.statement, b.signature]))).toThrow(
      CodecError
    )
  })
})

test('the bytes are those of vectors.json', () => {
  const vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'))
  expect(SAMPLES.map((evidence) => toHex(encodeEvidence(evidence)))).toEqual(vectors.evidence)
  expect(block.digest).toBe(vectors.blockDigest)
  for (const hex of vectors.evidence) expect(verifyEvidence(decodeEvidence(fromHex(hex)))).toBe(true)
})

test('hostile bytes', { timeout: 120_000 }, () => {
  assertWithstands(SAMPLES.map(encodeEvidence), decodeEvidence, (error) => error instanceof CodecError, encodeEvidence)
})
