import { expect, test } from 'vitest'
import tally from '../../examples/standby/tally.machine.ts'
import { simulate } from '../../testing/simulate.ts'

const SEED = '00112233445566778899aabbccddeeff'
const LONG = { timeout: 300_000 }

/** Four peers that place a counter, which the first one holds, and a client that has counted three. */
async function begun() {
  const simulation = await simulate({ peers: 5, seed: SEED })
  const { peers, until } = simulation
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

  return { ...simulation, a, b, c, d, client, count, door, address }
}

test('an actor goes on at a follower when its holder is cut off, which follows once it is back', LONG, async () => {
  const { a, b, c, d, client, count, door, address, net, now, run, until, stop } = await begun()
  net.partition([[b, c, d, client].map(({ id }) => id)])
  const cutMs = now()
  expect(await count()).toBe(4)
  expect(now() - cutMs).toBeLessThan(12_000)
  expect(a.ref<typeof tally>(address).tell({ type: 'count' })).toBe('accepted')
  await run(10_000)
  net.heal()
  await run(10_000)
  // What the one that was cut off counted for itself was told to nobody, and is not.
  expect([await count(), await count()]).toEqual([5, 6])
  expect(a.actors()).toMatchObject([{ kind: 'tally', mode: 'standby', role: 'follower' }])
  expect([b, c].map((peer) => peer.actors()[0]?.role).sort()).toEqual(['follower', 'holder'])
  const { context } = await until(door.snapshot({ read: 'final' }))
  expect(context).toEqual({ n: 6 })
  const holder = b.actors()[0]?.role === 'holder' ? b : c
  expect(await holder.registry.metrics()).toMatch(/takeovers_total 1[\s\S]*standby_in_sync 2/)
  await stop()
})

test('a holder hands over where it is told to, and before it stops', LONG, async () => {
  const { a, b, c, d, client, address, count, now, run, until, stop } = await begun()
  const move = (from: typeof a, to: typeof a) => until(from.ref<typeof tally>(address).move(to.id))
  await run(3_000)
  await expect(move(client, b)).rejects.toMatchObject({ code: 'BRUME_RUNTIME_FORBIDDEN' })
  await expect(move(b, d)).rejects.toMatchObject({ code: 'BRUME_STANDBY_REFUSED' })
  // Another copy wants it, and the holder does it.
  await move(c, b)
  expect(await count()).toBe(4)
  expect([a, b, c].map((peer) => peer.actors()[0]?.role)).toEqual(['follower', 'holder', 'follower'])

  await run(3_000)
  await until(b.stop())
  const stoppedMs = now()
  expect(await count()).toBe(5)
  expect(now() - stoppedMs).toBeLessThan(3_000)
  await stop()
})

test('any copy stops it for good; who asks for it then is told that there is none', LONG, async () => {
  const { a, b, c, address, run, until, stop } = await begun()
  await run(3_000)
  const ending = c.ref<typeof tally>(address)
  await until(ending.stop())
  await run(3_000)
  expect([a, b, c].map((peer) => peer.actors())).toEqual([[], [], []])
  await expect(until(ending.stop())).rejects.toMatchObject({ code: 'BRUME_RUNTIME_NOACTOR' })
  await stop()
})

test('a follower keeps no copy of a kind that it registered for nobody else', LONG, async () => {
  const { peers, until, run, stop } = await simulate({ peers: 4, seed: SEED })
  const [a, b, c, d] = peers
  if (!a || !b || !c || !d) throw new Error('they are four')
  const install = (peer: typeof a, name: string, hosts: 'any' | 'none') =>
    peer.register<typeof tally>(tally, { name, version: 1, hosts })
  const logic = await install(a, 'tally', 'any')
  for (const peer of [b, c, d]) await install(peer, 'tally', peer === c ? 'none' : 'any')
  await install(c, 'other', 'any')
  const quorum = { members: [a.id, b.id, c.id, d.id] }
  const door = await until(a.spawn(logic, { id: 'door', mode: 'standby', quorum }))
  expect(await until(door.ask({ type: 'count' }, { timeoutMs: 60_000 }))).toBe(1)
  await run(5_000)
  expect([a, b, c].map((peer) => peer.actors())).toMatchObject([[{ inSync: 1 }], [{ role: 'follower' }], []])
  await stop()
})
