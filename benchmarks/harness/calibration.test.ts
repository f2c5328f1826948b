import { expect, test } from 'vitest'
import { calibrate, drift } from './calibration.ts'

test('counts real work', () => {
  const { hashesPerS, verifiesPerS } = calibrate()
  // A hash of 200 bytes is far cheaper than a signature check on any machine.
  expect(verifiesPerS).toBeGreaterThan(0)
  expect(hashesPerS).toBeGreaterThan(verifiesPerS)
})

test('drift is the larger of the two changes, whichever way it went', () => {
  const before = { hashesPerS: 100, verifiesPerS: 100 }
  expect(drift(before, before)).toBe(0)
  expect(drift(before, { hashesPerS: 110, verifiesPerS: 80 })).toBeCloseTo(0.25)
  expect(drift({ hashesPerS: 110, verifiesPerS: 80 }, before)).toBeCloseTo(0.25)
})
