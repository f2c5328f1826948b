import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PLAIN } from './profiles.ts'
import { Schedule } from './shaper.ts'

const half = (): number => 0.5

test('delay does not add up: chunks that arrive together leave together, later by the delay', () => {
  const schedule = new Schedule()
  const shape = { ...PLAIN, delayMs: 80 }
  expect([0, 1, 2].map((atMs) => schedule.releaseAt(atMs, 100, shape, half))).toEqual([80, 81, 82])
})

test('a rate makes bytes queue behind each other', () => {
  const schedule = new Schedule()
  const shape = { ...PLAIN, delayMs: 10, rateKbit: 80 }
  expect([0, 0, 0].map((atMs) => schedule.releaseAt(atMs, 100, shape, half))).toEqual([20, 30, 40])
})

test('a lost packet holds up everything behind it by a retransmission', () => {
  const schedule = new Schedule()
  const draws = [0, 0.999]
  const lossy = { ...PLAIN, delayMs: 150, lossPct: 1 }
  expect(schedule.releaseAt(0, 100, lossy, () => draws.shift() ?? 0.999)).toBe(150 + 300)
  expect(schedule.releaseAt(1, 100, lossy, () => 0.999)).toBe(450)
})

test('whatever the link, bytes leave in order and not before their delay', () => {
  const shapes = fc.record({
    delayMs: fc.integer({ min: 0, max: 500 }),
    jitterMs: fc.integer({ min: 0, max: 500 }),
    lossPct: fc.integer({ min: 0, max: 50 }),
    rateKbit: fc.option(fc.integer({ min: 8, max: 1_000_000 }))
  })
  const chunks = fc.array(
    fc.record({ afterMs: fc.integer({ min: 0, max: 100 }), bytes: fc.integer({ min: 1, max: 65_536 }) })
  )
  fc.assert(
    fc.property(
      shapes,
      chunks,
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (shape, all, random) => {
        const schedule = new Schedule()
        let [nowMs, lastMs] = [0, 0]
        for (const { afterMs, bytes } of all) {
          nowMs += afterMs
          const releaseMs = schedule.releaseAt(nowMs, bytes, shape, () => random.next().value)
          expect(releaseMs).toBeGreaterThanOrEqual(Math.max(lastMs, nowMs + shape.delayMs))
          lastMs = releaseMs
        }
      }
    )
  )
})
