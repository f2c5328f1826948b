import { verify } from '@brume/crypto'
import { trustManifest, verifyFinal } from '@brume/protocols/quorum'
import { expect, test } from 'vitest'
import { judge, resultOf } from './result.ts'
import { makeSample } from './sample.ts'

const constant = () => 0.5

test('a sample is a bundle that holds, and the bare verification is one of its own', () => {
  const { manifest, bundle, certificateBytes, one } = makeSample(5, new Uint8Array(32))
  expect(verifyFinal(bundle, trustManifest(manifest)).signers).toHaveLength(5)
  expect(certificateBytes).toBeGreaterThan(5 * 64)
  expect(verify(one.key, one.message, one.signature)).toBe(true)
})

const sizes = { certificateBytes: 1, bundleBytes: 2 }
const rounds = (coldMs: number, verifyMs: number) =>
  Array.from({ length: 9 }, () => ({ trustMs: 2 * verifyMs, coldMs, verifyMs }))

test('times are counted in bare verifications of the same run', () => {
  const result = resultOf(67, sizes, rounds(7, 0.1), constant)
  expect(result.ratio).toBeCloseTo(70)
  expect(result.trustRatio).toBeCloseTo(2)
  expect(result.ratioInterval.map(Math.round)).toEqual([70, 70])
})

test('the bar is judged at 67 signers, and not at all where the interval straddles it', () => {
  expect(judge([resultOf(67, sizes, rounds(7, 0.1), constant)])).toEqual({ verdict: 'pass', reasons: [] })
  expect(judge([resultOf(67, sizes, rounds(9, 0.1), constant)]).verdict).toBe('fail')
  const wide = { ...resultOf(67, sizes, rounds(8, 0.1), constant), ratioInterval: [75, 90] as const }
  expect(judge([wide]).verdict).toBe('inconclusive')
  expect(judge([resultOf(16, sizes, rounds(1, 0.1), constant)]).verdict).toBe('inconclusive')
})
