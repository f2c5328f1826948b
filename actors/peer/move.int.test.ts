import { afterAll, expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { createPeer, type Peer } from './index.ts'

const counter = setup({ types: {} as { context: { n: number }; events: { type: 'add' } } }).createMachine({
  context: { n: 0 },
  on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) } }
})

const peers: Peer[] = []
afterAll(() => Promise.all(peers.map((peer) => peer.stop())))

async function up(admins: readonly string[] = []): Promise<Peer> {
  const peer = await createPeer({ profile: 'local', store: 'memory', mdns: false, logLevel: 'error', admins })
  peers.push(peer)
  return peer
}

test('an actor moves to a peer that lets it, and is stopped by an admin; refs follow', async () => {
  const home = await up()
  const away = await up([home.id])
  await away.dial(home.addresses)
  const logic = await home.register(counter, { name: 'counter', version: 1 })
  await away.register(counter, { name: 'counter', version: 1 })
  const ref = await home.spawn(logic, { id: 'demo' })
  const far = away.ref<typeof counter>(ref.address)
  await far.submit({ type: 'add' })

  const moved = await ref.move(away.id)

  expect(moved.address).toBe(`brume://${away.id}/demo`)
  await far.submit({ type: 'add' })
  await ref.submit({ type: 'add' })
  expect((await ref.snapshot()).context).toEqual({ n: 3 })
  expect(away.actors().map(({ path }) => path)).toEqual(['demo'])
  const ended = new Promise((resolve) => ref.watch(({ reason }) => reason === 'stopped' && resolve(reason)))
  await expect(away.ref(`brume://${home.id}/other`).stop()).rejects.toMatchObject({ code: 'BRUME_RUNTIME_FORBIDDEN' })
  await expect(away.spawnOn(home.id, logic, { id: 'other' })).rejects.toMatchObject({ code: 'BRUME_RUNTIME_FORBIDDEN' })
  expect((await home.spawnOn(away.id, logic, { id: 'other' })).address).toBe(`brume://${away.id}/other`)
  await moved.stop()
  expect(await ended).toBe('stopped')
})
