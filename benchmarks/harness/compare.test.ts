import { expect, test } from 'vitest'
import { compare } from './compare.ts'

const work = (name: string, factor: number) => ({
  name,
  run: () => {
    let sum = 0
    for (let i = 0; i < 10_000 * factor; i++) sum += Math.sqrt(i)
    return sum > 0 ? 1 : 0
  }
})

test('who does twenty times the work for the same count comes out behind', { timeout: 60_000 }, () => {
  let dice = 0
  const random = () => (dice = (dice + 0.618) % 1)
  const { ratio, ratioInterval, sides } = compare(work('light', 1), work('heavy', 20), 1, 0.1, random)
  expect(ratio).toBeGreaterThan(1)
  expect(ratioInterval[0]).toBeLessThanOrEqual(ratio)
  expect(sides.map(({ name }) => name)).toEqual(['light', 'heavy'])
})
