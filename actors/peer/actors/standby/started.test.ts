import { SimClock } from '@brume/testkit'
import { expect, test } from 'vitest'
import { startedKernel } from './started.ts'

const AT = 'brume://group/a/placement/door'

/** A peer that looks for the kernel of an actor. */
function looking(holder: string | undefined) {
  const clock = new SimClock()
  const found: { kernel?: string } = {}
  const options = { self: 'own', clock, kernel: () => found.kernel, holderOf: async () => holder }
  return { clock, found, started: startedKernel<string>(AT, options) }
}

test('a kernel that is being started here is waited for', async () => {
  const { clock, found, started } = looking('own')
  await clock.pass(10_000)
  found.kernel = 'it'
  await clock.pass(1_000)
  expect(await started).toBe('it')
})

test('it is not waited for where another peer holds the actor, or nobody', async () => {
  for (const holder of ['other', undefined]) expect(await looking(holder).started).toBe(undefined)
})

test('one that does not come within half a minute is an error that says so', async () => {
  const { clock, started } = looking('own')
  const error = started.catch(({ code }) => code)
  await clock.pass(31_000)
  expect(await error).toBe('BRUME_STANDBY_TIMEOUT')
})
