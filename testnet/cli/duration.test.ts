import { expect, test } from 'vitest'
import { parseCount, parseDuration } from './duration.ts'

test.each([
  ['500ms', 500],
  ['20s', 20_000],
  ['1.5m', 90_000],
  ['8h', 28_800_000]
])('%s is %d ms', (text, durationMs) => {
  expect(parseDuration(text)).toBe(durationMs)
})

test.each(['', '20', '0s', '-1s', '1e3s', '5 s', 's'])('%j is no duration', (text) => {
  expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'BRUME_TESTNET_ARGUMENT' }))
})

test('a count stays within its limits', () => {
  const parse = parseCount('-n', 1, 100)
  expect(parse('16')).toBe(16)
  for (const text of ['0', '101', '1.5', 'x', '']) {
    expect(() => parse(text)).toThrow(expect.objectContaining({ message: expect.stringContaining('-n') }))
  }
})
