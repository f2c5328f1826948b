import { simulate } from '@brume/peer/testing'
import { expect, test } from 'vitest'
import thermostat from './thermostat.machine.ts'

/** How an application tests a machine of its own: peers, a bad network and the time itself are simulated. */
test('heats for as long as it is set to, over a network that loses every tenth message', async () => {
  const seed = '00112233445566778899aabbccddeeff'
  const { peers, run, until, stop } = await simulate({ peers: 2, seed, net: { delayMs: 80, loss: 0.1 } })
  const [home, phone] = peers
  if (home === undefined || phone === undefined) throw new RangeError('they are two')
  const logic = await home.register<typeof thermostat>(thermostat, { name: 'thermostat', version: 1 })
  const { address } = await home.spawn(logic, { id: 'living-room' })

  const ref = phone.ref<typeof thermostat>(address)
  const value = async () => (await until(ref.snapshot())).value
  await until(ref.submit({ type: 'measured', celsius: 17 }))
  expect(await value()).toBe('heating')
  await run(1_500)
  expect(await value()).toBe('resting')
  await run(3_600_000)
  expect((await until(ref.snapshot())).context.heated).toBe(1)
  await stop()
})
