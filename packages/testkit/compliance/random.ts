import type { Random } from '@brume/ports'
import { describe, expect, it } from 'vitest'

const DRAWS = 20_000

/** Registers the cases that every `Random` passes. `make` gives another source each time. */
export function randomCompliance(name: string, make: () => Random): void {
  describe(`Random: ${name}`, () => {
    it('gives as many bytes as asked for, in arrays of their own', () => {
      const random = make()
      for (const length of [0, 1, 3, 4, 5, 32, 1_000]) expect(random.bytes(length)).toHaveLength(length)
      const first = random.bytes(32)
      const copy = first.slice()
      random.bytes(32).fill(0)
      expect(first).toEqual(copy)
    })
    it('gives other bytes each time, and from each source', () => {
      const [one, other] = [make(), make()]
      const drawn = [one.bytes(16), one.bytes(16), other.bytes(16)].map((bytes) => Buffer.from(bytes).toString('hex'))
      expect(new Set(drawn).size).toBe(3)
    })
    it('spreads bytes evenly', () => {
      // Chi-squared over 256 values: 255 degrees of freedom, standard deviation 22.6; eight of them are no accident.
      const counts = new Array<number>(256).fill(0)
      for (const byte of make().bytes(DRAWS)) counts[byte] = (counts[byte] ?? 0) + 1
      const expected = DRAWS / 256
      const chi = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
      expect(chi).toBeGreaterThan(255 - 8 * 22.6)
      expect(chi).toBeLessThan(255 + 8 * 22.6)
    })
    it('spreads floats evenly over [0, 1)', () => {
      const random = make()
      const floats = Array.from({ length: DRAWS }, () => random.float())
      expect(floats.every((float) => float >= 0 && float < 1)).toBe(true)
      expect(new Set(floats).size).toBe(DRAWS)
      // The mean of n uniform draws deviates by 1 / sqrt(12 n).
      const mean = floats.reduce((sum, float) => sum + float, 0) / DRAWS
      expect(Math.abs(mean - 0.5)).toBeLessThan(8 / Math.sqrt(12 * DRAWS))
    })
  })
}
