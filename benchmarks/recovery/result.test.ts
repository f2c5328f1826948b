import { expect, test } from 'vitest'
import type { BareReport } from '../consensus/plan.ts'
import { recoveryOf } from './result.ts'

const BARE: BareReport = {
  kind: 'bare',
  started: [['1', 0]],
  notarized: [['1', 4]],
  final: [['1', 6]],
  loneMs: [],
  loopDelayMs: 0
}
const STAND = { leader: 0, deltaMs: 50 }

test('the slowest survivor counts, against the deadline and six hops', () => {
  const reports = [
    { kind: 'recovery', finalMs: 112, downMs: 3 },
    { kind: 'recovery', finalMs: 90, downMs: 6 }
  ] as const
  const recovery = recoveryOf(reports, [BARE], STAND)
  expect(recovery).toMatchObject({ deltaMs: 2, patienceMs: 50, finalMs: 112, downMs: 6, ratio: 1, downRatio: 0.5 })
})

test('where a survivor never had the command, nothing was measured', () => {
  expect(recoveryOf([{ kind: 'recovery', finalMs: null, downMs: 6 }], [BARE], STAND)).toBeNull()
})
