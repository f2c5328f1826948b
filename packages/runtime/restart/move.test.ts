import { describe, expect, test } from 'vitest'
import { runOf, STEADY } from './testing/moves.ts'

const RUNS = 40

describe('either end of a move killed at any time', () => {
  let kills = 0
  let moved = 0
  const PER_CASE = 10
  test.each(Array.from({ length: RUNS / PER_CASE }, (_, part) => part))(
    'exactly one peer has the actor, with all that was acknowledged, each once and in order: part %i',
    async (part) => {
      for (let run = part * PER_CASE; run < (part + 1) * PER_CASE; run++) {
        const { acknowledged, found, sent, steady, kills: killed } = await runOf(run)
        const lives = found.filter((seen) => seen !== undefined)
        expect(lives, `run ${run}: lives`).toHaveLength(1)
        const [asked, others] = [lives[0]?.filter((n) => n < STEADY), lives[0]?.filter((n) => n >= STEADY)]
        expect(asked, `run ${run}: what it was asked`).toEqual(acknowledged.filter((n) => n % 2 === 0))
        expect(others, `run ${run}: what it was sent`).toEqual(Array.from({ length: steady }, (_, n) => STEADY + n))
        expect(sent, `run ${run}: what it sent`).toEqual(acknowledged.filter((n) => n % 2 === 1))
        kills += killed
        if (found[1] !== undefined) moved += 1
      }
    },
    120_000
  )

  test('with kills, and moves that came to pass', () => {
    expect(kills).toBeGreaterThan(RUNS)
    expect(moved).toBeGreaterThan(2)
    expect(moved).toBeLessThan(RUNS - 2)
  })
})
