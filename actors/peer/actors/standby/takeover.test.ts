import { expect, test } from 'vitest'
import tally from '../../examples/standby/tally.machine.ts'
import { simulate } from '../../testing/simulate.ts'

const SEED = '00112233445566778899aabbccddeeff'

test('an actor goes on at a follower when its holder is cut off, which follows once it is back', {
  timeout: 300_000
}, async () => {
  const simulation = await simulate({ peers: 5, seed: SEED })
  const { peers, until, run, net, now } = simulation
  const [a, b, c, d, client] = peers
  if (!a || !b || !c || !d || !client) throw new Error('they are five')
  const install = (peer: typeof a) => peer.register<typeof tally>(tally, { name: 'tally', version: 1 })
  const [logic] = await Promise.all([a, b, c, d].map(install))
  if (logic === undefined) throw new Error('it was registered')
  const quorum = { members: [a.id, b.id, c.id, d.id] }
  const { address } = await until(a.spawn(logic, { id: 'door', mode: 'standby', quorum }))
  const door = client.ref<typeof tally>(address)
  const count = () => until(door.ask({ type: 'count' }, { timeoutMs: 60_000 }))
  expect([await count(), await count(), await count()]).toEqual([1, 2, 3])
  expect(a.actors()).toMatchObject([{ kind: 'tally', mode: 'standby', role: 'holder' }])

  net.partition([[b, c, d, client].map(({ id }) => id)])
  const cutMs = now()
  expect(await count()).toBe(4)
  expect(now() - cutMs).toBeLessThan(12_000)
  expect(a.ref<typeof tally>(address).tell({ type: 'count' })).toBe('accepted')
  await run(10_000)
  net.heal()
  await run(10_000)
  expect([await count(), await count()].at(-1)).toBeGreaterThan(5)
  expect(a.actors()).toMatchObject([{ kind: 'tally', mode: 'standby', role: 'follower' }])
  expect([b, c].map((peer) => peer.actors()[0]?.role).sort()).toEqual(['follower', 'holder'])
  await simulation.stop()
})
