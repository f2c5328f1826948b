import { hkdfSync } from 'node:crypto'
import { fromHex, toHex } from '@brume/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CryptoError,
  deriveSeed,
  identityFromSeed,
  isAdmissibleKey,
  keyFromPeerId,
  peerIdBytes,
  peerIdFromBytes,
  peerIdFromKey
} from './index.ts'
import vectors from './vectors.json' with { type: 'json' }

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('isAdmissibleKey', () => {
  test.each(vectors.smallOrder)('refuses the point of small order %s', (hex) => {
    expect(isAdmissibleKey(fromHex(hex))).toBe(false)
  })

  test('refuses every y from p to 2^255-1, with either sign', () => {
    for (let low = 0xed; low <= 0xff; low++) {
      for (const high of ['7f', 'ff']) {
        expect(isAdmissibleKey(fromHex(low.toString(16) + 'ff'.repeat(30) + high))).toBe(false)
      }
    }
    expect(isAdmissibleKey(fromHex(`eb${'ff'.repeat(30)}7f`))).toBe(true)
  })

  test('accepts keys that were made honestly, and no other size', () => {
    fc.assert(fc.property(seeds, (seed) => isAdmissibleKey(identityFromSeed(seed).publicKey)))
    for (const length of [0, 31, 33]) expect(isAdmissibleKey(new Uint8Array(length).fill(5))).toBe(false)
  })
})

describe('peer ids', () => {
  test('carry the key, as text and as bytes', () => {
    fc.assert(
      fc.property(seeds, (key) => {
        const id = peerIdFromKey(key)
        expect(id).toMatch(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/)
        expect(keyFromPeerId(id)).toEqual(key)
        expect(toHex(peerIdBytes(id))).toBe(`002408011220${toHex(key)}`)
        expect(peerIdFromBytes(peerIdBytes(id))).toBe(id)
      })
    )
  })

  test.each(vectors.peerIds)('agree with libp2p: $peerId', ({ publicKey, peerId }) => {
    expect(peerIdFromKey(fromHex(publicKey))).toBe(peerId)
  })

  test('of other keys, with a letter too many, or no ids at all are refused', () => {
    const id = peerIdFromKey(new Uint8Array(32).fill(1))
    const wrong = [
      '',
      'Qm',
      id.slice(1),
      `1${id}`,
      `${id}1`,
      id.replace('2', '0'),
      `z${id}`,
      '1'.repeat(52),
      'x'.repeat(1e6)
    ]
    wrong.push(
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
      '16Uiu2HAm9wDuVfqvNPS4BRQ5Fnc4PMiBqs3dTzdmx6bfBsWXeqvS'
    )
    for (const text of wrong) {
      expect(keyFromPeerId(text)).toBeUndefined()
      expect(() => peerIdBytes(text)).toThrow(CryptoError)
    }
    expect(peerIdFromBytes(new Uint8Array(38))).toBeUndefined()
    expect(peerIdFromBytes(peerIdBytes(id).subarray(0, 37))).toBeUndefined()
  })
})

describe('seeds', () => {
  test('derive what HKDF-SHA256 derives', () => {
    const { input, bytes, output: published } = vectors.hkdfRfc5869
    expect(toHex(new Uint8Array(hkdfSync('sha256', fromHex(input), '', '', bytes))), 'the platform').toBe(published)
    const { seed, info, output, source } = vectors.hkdfSha256
    expect(toHex(deriveSeed(fromHex(seed), info)), source).toBe(output)
  })

  test('of another length are refused, and later changes of the input are not seen', () => {
    for (const length of [0, 31, 33]) expect(() => identityFromSeed(new Uint8Array(length))).toThrow(CryptoError)
    expect(() => deriveSeed(new Uint8Array(31), 'x')).toThrow(CryptoError)
    const seed = new Uint8Array(32).fill(1)
    const identity = identityFromSeed(seed)
    seed.fill(2)
    expect(identity.seed).toEqual(new Uint8Array(32).fill(1))
  })
})
