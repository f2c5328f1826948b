import { expect, test } from 'vitest'
import { goldenFaults, goldenHashes } from './golden.ts'

test('this engine computes as the one that groups run', () => {
  expect(goldenFaults()).toEqual([])
})

test('an engine that computes otherwise is noticed, and by what', () => {
  const before = goldenHashes()
  const { imul } = Math
  Math.imul = (a, b) => imul(a, b) ^ 1
  try {
    expect(goldenFaults()).toEqual(['integers'])
  } finally {
    Math.imul = imul
  }
  expect(goldenHashes()).toEqual(before)
})
