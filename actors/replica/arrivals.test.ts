import { createLog } from '@brume/observe'
import { createKernel } from '@brume/runtime/kernel'
import { type Bundle, bundleLogic } from '@brume/runtime/replica'
import { xstate5 } from '@brume/runtime/xstate5'
import { memoryStore, SimRandom } from '@brume/testkit'
import { beforeAll, describe, expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { Arrivals } from './index.ts'
import { person, World } from './test/world.ts'

let bundle: Bundle
beforeAll(async () => {
  bundle = await bundleLogic(new URL('./test/ledger.machine.ts', import.meta.url))
}, 60_000)

/** Notes every sum that it is told. */
const clerk = setup({
  types: {} as { context: { sums: readonly number[] }; events: { type: 'sum'; n: number } }
}).createMachine({
  context: { sums: [] },
  on: { sum: { actions: assign({ sums: ({ context, event }) => [...context.sums, event.n] }) } }
})

const SHOP = person(150).peerId
const TO = `brume://${SHOP}/shop/clerk`

/** A peer that is no member, with one actor. */
async function shop({ clock, ...world }: World) {
  const log = createLog({ level: 'silent' })
  const random = new SimRandom(new Uint8Array(16), 'shop')
  const kernel = createKernel({ clock, random, log, self: SHOP, store: memoryStore() })
  await kernel.start()
  kernel.register({ name: 'clerk', version: 1, logic: xstate5(clerk) })
  const arrivals = new Arrivals({ clock, kernel })
  const bring = (number: number) => arrivals.take(person(0).peerId, world.sent[number]?.proof ?? new Uint8Array())
  const sums = async () => {
    const { context } = await kernel.snapshot('shop/clerk')
    return (context as { readonly sums: readonly number[] }).sums
  }
  return { kernel, bring, sums, open: () => kernel.spawn('shop/clerk', 'clerk') }
}

/** A group that has told the clerk 1, then 2, and so on; each send comes from members in turn. */
async function told(count: number, ...mute: number[]): Promise<World> {
  const world = await World.of({ bundle, mute })
  for (let sum = 1; sum <= count; sum++) {
    await world.event('add', { by: 1 })
    const { height } = await world.event('tell', { to: TO })
    await world.until(() => world.sent.some(({ seq }) => seq === height * 16_384))
  }
  await world.clock.pass(5_000)
  return world
}

describe('what a group sends to an actor of a peer', { timeout: 120_000 }, () => {
  test('comes once and in order, though several members bring it, in any order', async () => {
    const world = await told(4)
    const { bring, sums, open } = await shop(world)
    open()
    expect(world.sent.length).toBeGreaterThanOrEqual(8)
    const came = await world.done(Promise.all(world.sent.map((_, number) => bring(number))))
    expect(came.every((one) => one === 'taken' || (one.refused === 'gap' && one.again))).toBe(true)
    for (const number of world.sent.keys()) expect(await world.done(bring(number))).toBe('taken')
    expect(await world.done(sums())).toEqual([1, 2, 3, 4])
  })

  test('comes though one member alone brings anything', async () => {
    const world = await told(8, 0, 1, 2)
    const sequences = new Set(world.sent.map(({ seq }) => seq))
    expect(sequences.size).toBe(8)
  })

  test('is refused where nobody lives, and what comes later is taken all the same', async () => {
    const world = await told(2)
    const { bring, sums, open } = await shop(world)
    const [first, second] = [0, world.sent.findIndex(({ prev }) => prev !== 0)]
    expect(await world.done(bring(first))).toEqual({ refused: 'noactor', again: false })
    open()
    expect(await world.done(bring(second))).toBe('taken')
    expect(await world.done(sums())).toEqual([2])
  })

  test('waits a minute for one that is missing, and then no more', async () => {
    const world = await told(2)
    const { bring, sums, open } = await shop(world)
    open()
    const second = world.sent.findIndex(({ prev }) => prev !== 0)
    expect(await world.done(bring(second))).toEqual({ refused: 'gap', again: true })
    await world.clock.pass(30_000)
    expect(await world.done(bring(second))).toEqual({ refused: 'gap', again: true })
    await world.clock.pass(31_000)
    expect(await world.done(bring(second))).toBe('taken')
    expect(await world.done(sums())).toEqual([2])
  })

  test('comes in order where one is missing for good, whichever is brought first when its time is over', async () => {
    const world = await told(4)
    const { bring, sums, open } = await shop(world)
    open()
    const numbers = [...new Set(world.sent.map(({ seq }) => seq))].sort((a, b) => a - b)
    const [, second = 0, third = 0, fourth = 0] = numbers.map((one) => world.sent.findIndex(({ seq }) => seq === one))
    const gap = { refused: 'gap', again: true }
    const bringAll = async () => {
      const came = []
      for (const number of [fourth, third, second]) came.push(await world.done(bring(number)))
      return came
    }
    expect(await bringAll()).toEqual([gap, gap, gap])
    await world.clock.pass(31_000)
    expect(await bringAll()).toEqual([gap, gap, gap])
    await world.clock.pass(30_000)
    expect(await bringAll()).toEqual([gap, gap, 'taken'])
    expect(await bringAll()).toEqual([gap, 'taken', 'taken'])
    expect(await bringAll()).toEqual(['taken', 'taken', 'taken'])
    expect(await world.done(sums())).toEqual([2, 3, 4])
  })

  test('does not wait for one that is brought no more', async () => {
    const world = await told(3)
    const { bring, sums, open } = await shop(world)
    open()
    const numbers = [...new Set(world.sent.map(({ seq }) => seq))].sort((a, b) => a - b)
    const [, second = 0, third = 0] = numbers.map((one) => world.sent.findIndex(({ seq }) => seq === one))
    await world.done(bring(second))
    await world.done(bring(third))
    await world.clock.pass(61_000)
    expect(await world.done(bring(third))).toBe('taken')
    expect(await world.done(sums())).toEqual([3])
  })

  test('is not believed without a proof', async () => {
    const world = await told(1)
    const { kernel } = await shop(world)
    const arrivals = new Arrivals({ clock: world.clock, kernel })
    const { proof = new Uint8Array() } = world.sent[0] ?? {}
    for (const at of [3, 700, proof.length - 1]) {
      const forged = proof.with(at, (proof[at] ?? 0) ^ 1)
      await expect(arrivals.take(SHOP, forged)).rejects.toThrow()
    }
  })
})
