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
async function shop({ clock, ...world }: World, notes = memoryStore()) {
  const log = createLog({ level: 'silent' })
  const random = new SimRandom(new Uint8Array(16), 'shop')
  const kernel = createKernel({ clock, random, log, self: SHOP, store: memoryStore() })
  await kernel.start()
  kernel.register({ name: 'clerk', version: 1, logic: xstate5(clerk) })
  const arrivals = new Arrivals({ clock, log, kernel, store: notes })
  const bringTo = (at: Arrivals) => (number: number) =>
    at.take(person(0).peerId, world.sent[number]?.proof ?? new Uint8Array())
  const bring = bringTo(arrivals)
  const again = () => ({ bring: bringTo(new Arrivals({ clock, log, kernel, store: notes })) })
  const sums = async () => {
    const { context } = await kernel.snapshot('shop/clerk')
    return (context as { readonly sums: readonly number[] }).sums
  }
  return { arrivals, bring, again, sums, open: () => kernel.spawn('shop/clerk', 'clerk') }
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

  /** Places in `sent` of what was told, in order. */
  const inOrder = ({ sent }: World): readonly number[] =>
    [...new Set(sent.map(({ seq }) => seq))]
      .sort((a, b) => a - b)
      .map((one) => sent.findIndex(({ seq }) => seq === one))
  const GAP = { refused: 'gap', again: true }

  test('waits two minutes for one that is missing, and takes that late', async () => {
    const world = await told(3)
    const { bring, sums, open } = await shop(world)
    open()
    const [first = 0, second = 0, third = 0] = inOrder(world)
    for (const waitMs of [0, 40_000, 40_000, 40_000]) {
      await world.clock.pass(waitMs)
      expect(await world.done(bring(second))).toEqual(GAP)
    }
    await world.clock.pass(1_000)
    expect(await world.done(bring(second))).toBe('taken')
    expect(await world.done(bring(third))).toBe('taken')
    for (const again of [first, first, second, first]) expect(await world.done(bring(again))).toBe('taken')
    expect(await world.done(sums())).toEqual([2, 3, 1])
  })

  test('takes late what was passed over in an earlier life, once, though two bring it together', async () => {
    const world = await told(2)
    const notes = memoryStore()
    const before = await shop(world, notes)
    before.open()
    const [first = 0, second = 0] = inOrder(world)
    for (let passed = 0; passed < 4; passed++) {
      await world.done(before.bring(second))
      await world.clock.pass(41_000)
    }
    const { bring } = before.again()
    expect(await world.done(Promise.all([bring(first), bring(first)]))).toEqual(['taken', 'taken'])
    expect(await world.done(bring(first))).toBe('taken')
    expect(await world.done(before.sums())).toEqual([2, 1])
  })

  test('comes in order after this peer was away, whichever is brought first', async () => {
    const world = await told(3)
    const { bring, sums, open } = await shop(world)
    open()
    const [first = 0, second = 0, third = 0] = inOrder(world)
    expect(await world.done(bring(third))).toEqual(GAP)
    await world.clock.pass(600_000)
    const came = []
    for (const number of [third, second, first, third, second, third]) came.push(await world.done(bring(number)))
    expect(came).toEqual([GAP, GAP, 'taken', GAP, 'taken', 'taken'])
    expect(await world.done(sums())).toEqual([1, 2, 3])
  })

  test('comes in order where one is missing for good, whichever is brought first when its time is over', async () => {
    const world = await told(4)
    const { bring, sums, open } = await shop(world)
    open()
    const [, second = 0, third = 0, fourth = 0] = inOrder(world)
    const bringAll = async () => {
      const came = []
      for (const number of [fourth, third, second]) came.push(await world.done(bring(number)))
      return came
    }
    expect(await bringAll()).toEqual([GAP, GAP, GAP])
    for (const waitMs of [40_000, 40_000]) {
      await world.clock.pass(waitMs)
      expect(await bringAll()).toEqual([GAP, GAP, GAP])
    }
    await world.clock.pass(41_000)
    expect(await bringAll()).toEqual([GAP, GAP, 'taken'])
    expect(await bringAll()).toEqual([GAP, 'taken', 'taken'])
    expect(await bringAll()).toEqual(['taken', 'taken', 'taken'])
    expect(await world.done(sums())).toEqual([2, 3, 4])
  })

  test('does not wait for one that is brought no more', async () => {
    const world = await told(3)
    const { bring, sums, open } = await shop(world)
    open()
    const [, second = 0, third = 0] = inOrder(world)
    await world.done(bring(second))
    for (let passed = 0; passed < 3; passed++) {
      expect(await world.done(bring(third))).toEqual(GAP)
      await world.clock.pass(40_100)
    }
    expect(await world.done(bring(third))).toBe('taken')
    expect(await world.done(sums())).toEqual([3])
  })

  test('is not believed without a proof', async () => {
    const world = await told(1)
    const { arrivals } = await shop(world)
    const { proof = new Uint8Array() } = world.sent[0] ?? {}
    for (const at of [3, 700, proof.length - 1]) {
      const forged = proof.with(at, (proof[at] ?? 0) ^ 1)
      await expect(arrivals.take(SHOP, forged)).rejects.toThrow()
    }
  })
})
