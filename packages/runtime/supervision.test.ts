import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoffMs, type FailureHistory, judgeFailure, NO_FAILURES, RESTART_POLICY } from './kernel/supervision.ts'

const { failuresMax, windowMs, backoffMinMs, backoffMaxMs, jitter } = RESTART_POLICY
const chance = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
/** Gaps between the end of a wait and the next failure, and the chance of each. */
const life = fc.array(fc.tuple(fc.double({ min: 0, max: 200_000, noNaN: true }), chance), { maxLength: 60 })

describe('backoff', () => {
  test('is 200 ms doubled up to 30 s without jitter', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000].map((streak) => backoffMs(streak, 0.5))
    expect(waits).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000])
  })

  test('stays within 20 % of that', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), chance, (streak, drawn) => {
        const plain = Math.min(backoffMinMs * 2 ** (streak - 1), backoffMaxMs)
        const ms = backoffMs(streak, drawn)
        expect(ms).toBeGreaterThanOrEqual(plain * (1 - jitter) - 1e-6)
        expect(ms).toBeLessThanOrEqual(plain * (1 + jitter) + 1e-6)
      })
    )
  })
})

describe('judgeFailure', () => {
  test('never allows more than 5 restarts within any 60 s, and escalates only after 5', () => {
    fc.assert(
      fc.property(life, (gaps) => {
        let history: FailureHistory = NO_FAILURES
        let nowMs = 0
        const restarted: number[] = []
        for (const [gapMs, drawn] of gaps) {
          nowMs += gapMs
          const inWindow = restarted.filter((atMs) => nowMs - atMs < windowMs).length
          const judgement = judgeFailure(history, nowMs, drawn)
          expect(judgement.kind).toBe(inWindow >= failuresMax ? 'escalate' : 'restart')
          if (judgement.kind === 'escalate') return
          expect(judgement.history.failedAtMs.length).toBeLessThanOrEqual(failuresMax)
          restarted.push(nowMs)
          history = judgement.history
          nowMs += judgement.delayMs
        }
      })
    )
  })

  test('waits longer after each failure in a row, and forgets after a good minute', () => {
    const fail = (history: FailureHistory, nowMs: number) => {
      const judgement = judgeFailure(history, nowMs, 0.5)
      if (judgement.kind === 'escalate') throw new Error('escalated')
      return judgement
    }
    const first = fail(NO_FAILURES, 0)
    const second = fail(first.history, 13_000)
    const third = fail(second.history, 13_400 + windowMs - 1)
    const fourth = fail(third.history, third.history.restartedAtMs + windowMs)
    expect([first, second, third, fourth].map(({ delayMs }) => delayMs)).toEqual([200, 400, 800, 200])
  })
})
