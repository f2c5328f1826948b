import { fromHex } from '@brume/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { identityFromSeed, verify, verifyAsync } from './index.ts'
import vectors from './vectors.json' with { type: 'json' }

const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe.each(vectors.ed25519)('$source', ({ seed, publicKey, message, signature }) => {
  test('signs and verifies', async () => {
    const identity = identityFromSeed(fromHex(seed))
    expect(identity.publicKey).toEqual(fromHex(publicKey))
    expect(identity.sign(fromHex(message))).toEqual(fromHex(signature))
    expect(verify(fromHex(publicKey), fromHex(message), fromHex(signature))).toBe(true)
    expect(await verifyAsync(fromHex(publicKey), fromHex(message), fromHex(signature))).toBe(true)
  })
})

test('any change of key, message or signature is refused, by both ways alike', async () => {
  const bit = fc.tuple(fc.constantFrom('key', 'message', 'signature'), fc.nat(31), fc.nat(7))
  await fc.assert(
    fc.asyncProperty(seeds, seeds, bit, async (seed, message, [which, byte, shift]) => {
      const identity = identityFromSeed(seed)
      const parts = { key: identity.publicKey.slice(), message: message.slice(), signature: identity.sign(message) }
      expect(verify(parts.key, parts.message, parts.signature)).toBe(true)
      const part = parts[which as keyof typeof parts]
      part[byte] = (part[byte] ?? 0) ^ (1 << shift)
      expect(verify(parts.key, parts.message, parts.signature)).toBe(false)
      expect(await verifyAsync(parts.key, parts.message, parts.signature)).toBe(false)
    }),
    { numRuns: 200 }
  )
})

test('garbage of any size is false, never a throw', async () => {
  const any = fc.uint8Array({ maxLength: 80 })
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(any, seeds),
      any,
      fc.oneof(any, fc.uint8Array({ minLength: 64, maxLength: 64 })),
      async (k, m, s) => {
        expect(verify(k, m, s)).toBe(false)
        expect(await verifyAsync(k, m, s)).toBe(false)
      }
    ),
    { numRuns: 300 }
  )
})

test('a signature has one form: s plus the group order is refused', () => {
  const identity = identityFromSeed(new Uint8Array(32).fill(9))
  const message = new Uint8Array(3)
  const signature = identity.sign(message)
  let s = signature.slice(32).reduceRight((sum, byte) => (sum << 8n) + BigInt(byte), 0n) + GROUP_ORDER
  for (let i = 32; i < 64; i++, s >>= 8n) signature[i] = Number(s & 255n)
  expect(verify(identity.publicKey, message, signature)).toBe(false)
})

test('more keys than are cached stay verifiable', () => {
  const message = new Uint8Array(1)
  const signers = Array.from({ length: 4_200 }, (_, i) => {
    const seed = new Uint8Array(32)
    new DataView(seed.buffer).setUint32(0, i)
    return identityFromSeed(seed)
  })
  const signed = signers.map((signer) => [signer.publicKey, signer.sign(message)] as const)
  for (const [key, signature] of [...signed, ...signed.slice(0, 100)])
    expect(verify(key, message, signature)).toBe(true)
}, 60_000)
