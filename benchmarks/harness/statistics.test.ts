import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BenchError } from './errors.ts'
import { bootstrapInterval, median, percentiles, pool, quantile, shuffled } from './statistics.ts'

const samples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 })

describe('quantile', () => {
  test('is the nearest rank, so always a value that was measured', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
    expect(percentiles(hundred)).toEqual({ p50: 50, p99: 99 })
    expect(quantile([7], 0.99)).toBe(7)
    fc.assert(
      fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) =>
        all.includes(quantile(all, share))
      )
    )
  })

  test('has at least its share of the samples at or below it', () => {
    fc.assert(
      fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
        const value = quantile(all, share)
        expect(all.filter((sample) => sample <= value).length).toBeGreaterThanOrEqual(share * all.length - 1e-9)
      })
    )
  })

  test('of nothing is refused, never a zero that looks fast', () => {
    expect(() => quantile([], 0.5)).toThrow(BenchError)
  })
})

describe('bootstrapInterval', () => {
  const ratio = ([a = [], b = []]: readonly (readonly number[])[]): number => median(a) / median(b)

  const slice = (value: number): readonly number[] => Array.from({ length: 500 }, () => value)

  test('is a point where all rounds agree', () => {
    expect(
      bootstrapInterval(
        [
          [[4, 4], [2]],
          [[4], [2, 2]]
        ],
        ratio,
        Math.random
      )
    ).toEqual([2, 2])
  })

  test('draws whole rounds: two that differ make it wide, however many samples they hold', () => {
    expect(
      bootstrapInterval(
        [
          [slice(1), slice(1)],
          [slice(3), slice(1)]
        ],
        ratio,
        Math.random
      )
    ).toEqual([1, 3])
  })

  test('noise that all series of a round share does not widen it', () => {
    expect(
      bootstrapInterval(
        [
          [slice(2), slice(1)],
          [slice(20), slice(10)]
        ],
        ratio,
        Math.random
      )
    ).toEqual([2, 2])
  })
})

test('pool brings the slices of each series together', () => {
  expect(
    pool([
      [[1], [2]],
      [[3, 4], [5]]
    ])
  ).toEqual([
    [1, 3, 4],
    [2, 5]
  ])
  expect(pool([])).toEqual([])
})

test('shuffled keeps everything and, with time, every order', () => {
  const orders = new Set(Array.from({ length: 500 }, () => shuffled([1, 2, 3], Math.random).join('')))
  expect([...orders].sort()).toEqual(['123', '132', '213', '231', '312', '321'])
})
