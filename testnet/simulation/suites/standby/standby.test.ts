import { expect, test } from 'vitest'
import { firstCaught, playSuite } from '../suite.ts'
import { MUTANTS } from './mutants.ts'
import { STANDBY } from './suite.ts'

const quiet = { mutants: false, say: () => undefined }

test('what is promised of actors with copies holds under 30 seeds of faults, and each is one run', () => {
  const lines: string[] = []
  const result = playSuite(STANDBY, { ...quiet, from: 0, seeds: 30, say: (line) => lines.push(line) })
  expect(result, lines.join('\n')).toMatchObject({ violations: 0 })
  expect(result.takeovers).toBeGreaterThan(25)
  const once = (): string => playSuite(STANDBY, { ...quiet, from: 7, seeds: 2 }).hash
  expect(once()).toBe(once())
})

test.each(MUTANTS)('$name is noticed', ({ rules }) => {
  expect(firstCaught(STANDBY, rules)).not.toBeNull()
})
