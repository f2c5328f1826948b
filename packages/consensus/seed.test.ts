import { createHash } from 'node:crypto'
import { proverFromSeed, verifyProof } from '@brume/crypto/vrf'
import { expect, test } from 'vitest'
import { accumulateSeed, epochSeedInput } from './seed.ts'

const GROUP = new Uint8Array(32).fill(3)
const KEY = new Uint8Array(32).fill(4)

test('the input names domain, group and epoch', () => {
  const expected = `${Buffer.from('brume/quorum-seed/1\0').toString('hex')}${'03'.repeat(32)}0000000000000102`
  expect(Buffer.from(epochSeedInput(GROUP, 258)).toString('hex')).toBe(expected)
})

test('the accumulator is SHA-256 of domain, what was before, key and output', () => {
  const { publicKey, prove } = proverFromSeed(KEY)
  const { proof, beta } = prove(epochSeedInput(GROUP, 1))
  expect(verifyProof(publicKey, epochSeedInput(GROUP, 1), proof)).toEqual({ valid: true, beta })
  expect(verifyProof(publicKey, epochSeedInput(GROUP, 2), proof)).toMatchObject({ valid: false })
  const expected = createHash('sha256').update('brume/quorum-seed/1\0').update(GROUP).update(KEY).update(beta).digest()
  expect(accumulateSeed(GROUP, KEY, beta)).toEqual(new Uint8Array(expected))
})
