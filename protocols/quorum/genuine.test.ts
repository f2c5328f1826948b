import { identityFromSeed, sha256 } from '@brume/crypto'
import { expect, test } from 'vitest'
import { Genuine } from './genuine.ts'

test('what is genuine stays so, and nothing else becomes it', () => {
  const [one, other] = [1, 2].map((number) => identityFromSeed(sha256(Uint8Array.of(number))))
  if (one === undefined || other === undefined) throw new Error('they are two')
  const genuine = new Genuine()
  const said = Uint8Array.of(1, 2, 3)
  const signature = one.sign(said)
  expect([1, 2].map(() => genuine.check(one.publicKey, said, signature))).toEqual([true, true])
  // A part of one taken for a part of another, and what was refused before.
  const forged = signature.with(0, (signature[0] ?? 0) ^ 1)
  for (let i = 0; i < 2; i++) {
    expect(genuine.check(other.publicKey, said, signature)).toBe(false)
    expect(genuine.check(one.publicKey, Uint8Array.of(1, 2), signature)).toBe(false)
    expect(genuine.check(one.publicKey, said, forged)).toBe(false)
    const longer = Uint8Array.of(signature[63] ?? 0, ...said)
    expect(genuine.check(one.publicKey, longer, signature.slice(0, 63))).toBe(false)
  }
})
