import { existsSync, readFileSync } from 'node:fs'
import { fromHex, toHex, utf8 } from '@brume/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import smallOrder from '../vectors.json' with { type: 'json' }
import { encodeToCurve, prove } from './ecvrf.ts'
import { isVrfKey, PROOF_BYTES, proofToHash, proverFromSeed, verifyProof } from './index.ts'
import vectors from './vectors.json' with { type: 'json' }

/** Published vectors beside the repository, when somebody put them there. */
const SHARED = new URL('../../../../shared/vectors/rfc9381-ecvrf-edwards25519.json', import.meta.url)

const ALPHA = utf8('epoch 7')
const prover = proverFromSeed(new Uint8Array(32).fill(5))
const { proof, beta } = prover.prove(ALPHA)
const Q = 2n ** 252n + 27742317777372353535851937790883648493n

function check(example: (typeof vectors.examples)[number]): void {
  const [alpha, publicKey] = [fromHex(example.alpha), fromHex(example.PK)]
  expect(toHex(encodeToCurve(publicKey, alpha).toBytes())).toBe(example.H)
  const made = prove(fromHex(example.SK), alpha)
  expect(toHex(made.proof)).toBe(example.pi)
  expect(toHex(made.beta)).toBe(example.beta)
  expect(verifyProof(publicKey, alpha, fromHex(example.pi))).toEqual({ valid: true, beta: fromHex(example.beta) })
  expect(proofToHash(fromHex(example.pi))).toEqual(fromHex(example.beta))
}

describe('RFC 9381', () => {
  test.each(vectors.examples)('example $example', check)

  test('the published examples of this suite', (context) => {
    if (!existsSync(SHARED)) {
      console.log('SKIP unit/vrf: no shared/vectors beside the repository')
      return context.skip()
    }
    const all: readonly ((typeof vectors.examples)[number] & { suite: string })[] = JSON.parse(
      readFileSync(SHARED, 'utf8')
    )
    const own = all.filter(({ suite }) => suite === 'EDWARDS25519-SHA512-TAI')
    expect(own.length).toBeGreaterThan(0)
    own.forEach(check)
    for (const other of all.filter((example) => !own.includes(example))) {
      const verdict = verifyProof(fromHex(other.PK), fromHex(other.alpha), fromHex(other.pi))
      expect(verdict).toEqual({ valid: false, reason: 'mismatch' })
    }
  })
})

describe('a proof', () => {
  test('is of 80 bytes, of its key and its input alone, and gives the same output each time', () => {
    expect(proof).toHaveLength(PROOF_BYTES)
    expect(prover.prove(ALPHA)).toEqual({ proof, beta })
    expect(verifyProof(prover.publicKey, ALPHA, proof)).toEqual({ valid: true, beta })
    expect(verifyProof(prover.publicKey, utf8('epoch 8'), proof)).toEqual({ valid: false, reason: 'mismatch' })
    const other = proverFromSeed(new Uint8Array(32).fill(6))
    expect(verifyProof(other.publicKey, ALPHA, proof)).toEqual({ valid: false, reason: 'mismatch' })
    expect(other.prove(ALPHA).beta).not.toEqual(beta)
  })

  test('with any one bit turned is refused', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 * PROOF_BYTES - 1 }), (bit) => {
        const turned = proof.slice()
        turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(verifyProof(prover.publicKey, ALPHA, turned)).toMatchObject({ valid: false })
      }),
      { numRuns: 60 }
    )
  })

  test('is malformed if it is too short or long, if s is not reduced, or if Gamma is no point in its one form', () => {
    const malformed = { valid: false, reason: 'malformed' }
    const wrong = [proof.subarray(1), new Uint8Array([...proof, 0]), new Uint8Array()]
    let s = 0n
    for (let i = 79; i >= 48; i--) s = (s << 8n) | BigInt(proof[i] ?? 0)
    const above = proof.slice()
    for (let i = 0; i < 32; i++) above[48 + i] = Number(((s + Q) >> BigInt(8 * i)) & 255n)
    wrong.push(above)
    for (const gamma of [`ed${'ff'.repeat(30)}7f`, `ee${'ff'.repeat(30)}ff`, `01${'00'.repeat(30)}80`]) {
      const forged = proof.slice()
      forged.set(fromHex(gamma))
      wrong.push(forged)
    }
    for (const bytes of wrong) {
      expect(verifyProof(prover.publicKey, ALPHA, bytes)).toEqual(malformed)
      expect(proofToHash(bytes)).toBeUndefined()
    }
  })
})

describe('a key', () => {
  test.each(smallOrder.smallOrder)('of small order is none: %s', (hex) => {
    expect(isVrfKey(fromHex(hex))).toBe(false)
    expect(verifyProof(fromHex(hex), ALPHA, proof)).toEqual({ valid: false, reason: 'key' })
  })

  test('in another encoding, off the curve or of another length is none', () => {
    const wrong = [
      `f0${'ff'.repeat(30)}7f`,
      `ec${'ff'.repeat(30)}ff`,
      `02${'00'.repeat(31)}`,
      '',
      '01',
      'aa'.repeat(33)
    ]
    for (const hex of wrong) expect(verifyProof(fromHex(hex), ALPHA, proof)).toEqual({ valid: false, reason: 'key' })
    expect(isVrfKey(prover.publicKey)).toBe(true)
  })
})

test('whatever bytes come, there is a verdict and no exception', () => {
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 100 })
  const key = fc.oneof(bytes, fc.constant(prover.publicKey))
  fc.assert(
    fc.property(
      key,
      bytes,
      fc.oneof(bytes, fc.uint8Array({ minLength: 80, maxLength: 80 })),
      (publicKey, alpha, given) => {
        expect(verifyProof(publicKey, alpha, given).valid).toBe(false)
      }
    ),
    { numRuns: 300 }
  )
})
