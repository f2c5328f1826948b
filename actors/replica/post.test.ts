import { createLog } from '@brume/observe'
import { createKernel } from '@brume/runtime/kernel'
import { type Bundle, bundleLogic } from '@brume/runtime/replica'
import { xstate5 } from '@brume/runtime/xstate5'
import { memoryStore, SimRandom } from '@brume/testkit'
import { beforeAll, describe, expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { Post } from './index.ts'
import { person, World } from './test/world.ts'

let bundle: Bundle
beforeAll(async () => {
  bundle = await bundleLogic(new URL('./test/ledger.machine.ts', import.meta.url))
})

/** Notes every sum that it is told. */
const clerk = setup({
  types: {} as { context: { sums: readonly number[] }; events: { type: 'sum'; n: number } }
}).createMachine({
  context: { sums: [] },
  on: { sum: { actions: assign({ sums: ({ context, event }) => [...context.sums, event.n] }) } }
})

/** A peer that is no member, with one actor. */
async function shop(world: World) {
  const { clock, net } = world
  const identity = person(150)
  const log = createLog({ level: 'silent' })
  const random = new SimRandom(new Uint8Array(16), 'shop')
  const kernel = createKernel({ clock, random, log, self: identity.peerId, store: memoryStore() })
  await kernel.start()
  kernel.register({ name: 'clerk', version: 1, logic: xstate5(clerk) })
  const post = new Post({ net: net.start(identity.peerId), clock, log, kernel, keepConnected: () => () => {} })
  const sums = async () => {
    const snapshot = await world.done(kernel.snapshot('shop/clerk'))
    return (snapshot.context as { readonly sums: readonly number[] }).sums
  }
  return { kernel, post, sums, address: `brume://${identity.peerId}/shop/clerk` }
}

describe('what a group sends to an actor of a peer', { timeout: 120_000 }, () => {
  test('comes once and in order, though several members bring it', async () => {
    const world = await World.of({ bundle, posted: true })
    const { kernel, sums, address } = await shop(world)
    kernel.spawn('shop/clerk', 'clerk')
    for (let i = 1; i <= 5; i++) {
      await world.event('add', { by: 1 })
      await world.event('tell', { to: address })
    }
    await world.until(() => world.delivered >= 10)
    expect(await sums()).toEqual([1, 2, 3, 4, 5])
    expect(world.undelivered).toEqual([])
  })

  test('comes though the leader of its block has ended', async () => {
    const world = await World.of({ bundle, posted: true, mute: 0 })
    const { kernel, sums, address } = await shop(world)
    kernel.spawn('shop/clerk', 'clerk')
    for (let i = 1; i <= 8; i++) {
      await world.event('add', { by: 1 })
      await world.event('tell', { to: address })
    }
    await world.until(() => world.delivered >= 8)
    await world.clock.pass(10_000)
    expect(await sums()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('is refused where nobody lives, and what comes later is taken all the same', async () => {
    const world = await World.of({ bundle, posted: true })
    const { kernel, sums, address } = await shop(world)
    await world.event('tell', { to: address })
    await world.until(() => world.undelivered.length >= 2)
    expect(world.undelivered[0]).toMatchObject({ code: 'BRUME_RUNTIME_UNDELIVERED' })
    kernel.spawn('shop/clerk', 'clerk')
    await world.event('add', { by: 7 })
    await world.event('tell', { to: address })
    await world.until(() => world.delivered >= 2)
    expect(await sums()).toEqual([7])
  })
})
