import { expect, test } from 'vitest'
import { firstCaught, playSuite } from '../suite.ts'
import { MUTANTS } from './mutants.ts'
import { DELIVERY } from './suite.ts'

const quiet = { mutants: false, say: () => undefined }

test('what is promised of messages between peers holds under 100 seeds of faults, and each is one run', () => {
  const lines: string[] = []
  expect(
    playSuite(DELIVERY, { ...quiet, from: 0, seeds: 100, say: (line) => lines.push(line) }),
    lines.join('\n')
  ).toMatchObject({
    violations: 0
  })
  const once = (): string => playSuite(DELIVERY, { ...quiet, from: 7, seeds: 2 }).hash
  expect(once()).toBe(once())
})

test.each(MUTANTS)('$name is noticed', ({ rules }) => {
  expect(firstCaught(DELIVERY, rules)).not.toBeNull()
})
