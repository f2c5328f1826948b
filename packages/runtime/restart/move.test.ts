import { afterEach, describe, expect, test, vi } from 'vitest'
import { StoreTransfers } from '../kernel/durable/transfers.ts'
import { Arrivals } from '../kernel/move/arrivals.ts'
import { Departures } from '../kernel/move/departures.ts'
import { checkMoves, runOf } from './testing/moves.ts'

const RUNS = 16

afterEach(() => void vi.restoreAllMocks())

describe('either end of a move killed, or what they tell each other lost, at each of its steps', () => {
  let kills = 0
  let moved = 0
  const hits = new Set<number>()
  const PER_CASE = 4
  test.each(Array.from({ length: RUNS / PER_CASE }, (_, part) => part))(
    'exactly one peer has the actor, with all that was acknowledged, each once and in order: part %i',
    async (part) => {
      for (let run = part * PER_CASE; run < (part + 1) * PER_CASE; run++) {
        const outcome = await runOf(run)
        checkMoves(outcome, run)
        kills += outcome.kills
        for (const hit of outcome.hits) hits.add(hit)
        if (outcome.found[1] !== undefined) moved += 1
      }
    },
    120_000
  )

  test('with all that can happen, and moves that came to pass', () => {
    expect(hits.size).toBe(6)
    expect(kills).toBeGreaterThan(RUNS)
    expect(moved).toBeGreaterThan(2)
    expect(moved).toBeLessThan(RUNS - 2)
  })
})

const { decision } = Departures.prototype

const MUTANTS: readonly (readonly [name: string, apply: () => unknown])[] = [
  [
    'answers moved before the decision',
    () =>
      vi.spyOn(Departures.prototype, 'decision').mockImplementation(function (this: Departures, path, token) {
        const told = decision.call(this, path, token)
        return told === 'undecided' ? 'moved' : told
      })
  ],
  ['answers moved where it stayed', () => vi.spyOn(Departures.prototype, 'decision').mockReturnValue('moved')],
  [
    'leaves watermarks and replies behind',
    () => vi.spyOn(StoreTransfers.prototype, 'belongings').mockResolvedValue({ marks: [], replies: [] })
  ],
  ['does not tell senders to wait', () => vi.spyOn(Arrivals.prototype, 'isExpected').mockReturnValue(false)]
]

/** A check that no known bug trips is not known to work. */
test.each(MUTANTS)(
  'a peer that %s is noticed',
  async (_, apply) => {
    apply()
    const caught = async (): Promise<number> => {
      for (let run = 0; run < RUNS; run++) {
        try {
          checkMoves(await runOf(run), run)
        } catch {
          return run
        }
      }
      return RUNS
    }
    expect(await caught()).toBeLessThan(RUNS)
  },
  120_000
)
