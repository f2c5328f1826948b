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
const STAND = { leader: 0, deltaMs: 50, saved: { checkpoints: 0, savingMs: 0 } }

test('the slowest survivor counts, against the deadline and six hops', () => {
  const reports = [
    { kind: 'recovery', finalMs: 112, downMs: 3 },
    { kind: 'recovery', finalMs: 90, downMs: 6 }
  ] as const
  const known = [
    { kind: 'recovery', finalMs: 9, downMs: 6 },
    { kind: 'recovery', finalMs: 15, downMs: 6 }
  ] as const
  const recovery = recoveryOf(reports, known, [BARE], STAND)
  expect(recovery).toMatchObject({ deltaMs: 2, patienceMs: 50, finalMs: 112, downMs: 6, knownMs: 15 })
  expect(recovery).toMatchObject({ ratio: 1, downRatio: 0.5, knownRatio: 1.25 })
})

test('where a survivor never had the command, nothing was measured', () => {
  const [never, once] = [null, 9].map((finalMs) => [{ kind: 'recovery', finalMs, downMs: 6 } as const])
  expect(recoveryOf(never ?? [], once ?? [], [BARE], STAND)).toBeNull()
  expect(recoveryOf(once ?? [], never ?? [], [BARE], STAND)).toBeNull()
})
