import type { Assignment, Bundle, Executor } from '@brume/runtime/replica'
import { expect, test } from 'vitest'
import { Executors } from './executors.ts'

const ASSIGNMENT: Assignment = { address: 'brume://group/x/sum#1', input: null, legacy: null, admins: [] }

test('an executor is stopped once: by who has it, or with the peer', async () => {
  const stopped: string[] = []
  const executors = new Executors(({ code }) => ({ stop: async () => void stopped.push(code) }) as Executor)
  const [trial] = ['trial', 'group'].map((code) => executors.create({ code } as Bundle, ASSIGNMENT))
  await trial?.stop()
  expect(stopped).toEqual(['trial'])
  await executors.stop()
  expect(stopped).toEqual(['trial', 'group'])
})
