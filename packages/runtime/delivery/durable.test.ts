import { SimRandom, StoreMedium, seedFromHex } from '@brume/testkit'
import { expect, test } from 'vitest'
import { type Node, seenBy, World } from './fixture.ts'

/** Peers whose processes die and come back on their disks. */
class Reborn {
  readonly world = new World()
  readonly #disks = [new StoreMedium(), new StoreMedium()]
  readonly nodes: Node[] = []

  async start(index: number): Promise<void> {
    const store = this.#disks[index]?.open()
    const node = this.world.start(index, store === undefined ? {} : { store })
    this.nodes[index] = node
    await node.kernel.start()
    node.kernel.spawn('book', 'logbook')
  }

  async restart(index: number, afterMs: number): Promise<void> {
    const node = this.nodes[index]
    if (node !== undefined) this.world.kill(node)
    this.#disks[index]?.kill()
    await this.world.clock.pass(afterMs)
    await this.start(index)
  }
}

test('a history longer than what may wait is read as fast as it is taken', async () => {
  const world = new World()
  const a = world.start(0)
  const b = world.start(1, { store: new StoreMedium().open(), admins: [a.peer] })
  await b.kernel.start()
  b.kernel.spawn('book', 'logbook', { durability: 'journal' })
  const count = 150
  for (let n = 0; n < count; n += 1) {
    b.kernel.tell('book', { type: 'skip', n, pad: 'x'.repeat(40_000) })
    await world.clock.pass(1)
  }
  const seqs: number[] = []
  const read = async (): Promise<void> => {
    for await (const { seq } of a.delivery.history(b.at('book'), 1)) seqs.push(seq)
  }
  const reading = read()
  await world.clock.pass(20_000)
  await reading
  expect(seqs).toEqual(Array.from({ length: count }, (_, n) => n + 1))
})

test.each(['01', '02', '03'])(
  'what durable actors send is processed exactly once and in order, whoever dies: run %s',
  async (byte) => {
    const random = new SimRandom(seedFromHex(byte.repeat(16)), 'deaths')
    const reborn = new Reborn()
    await reborn.start(0)
    await reborn.start(1)
    const done: number[] = []
    for (let n = 0; n < 60; n += 1) {
      const [a, b] = reborn.nodes
      if (a === undefined || b === undefined) throw new Error('two peers were started')
      void a.kernel.submit('book', { type: 'pass', to: b.at('book'), n }).then(
        () => done.push(n),
        () => undefined
      )
      await reborn.world.clock.pass(random.below(15))
      if (random.chance(0.2)) await reborn.restart(random.below(2), 200 + random.below(2_000))
      if (random.chance(0.1)) reborn.world.net.sever(a.peer, b.peer)
    }
    await reborn.world.clock.pass(60_000)
    const [a, b] = reborn.nodes
    const seen = (b === undefined ? [] : await seenBy(b, 'book')).map(Number)
    expect(seen).toEqual([...new Set(seen)].toSorted((x, y) => x - y))
    expect(done.filter((n) => !seen.includes(n))).toEqual([])
    expect(done.length).toBeGreaterThan(30)
    expect(a?.delivery.view()).toMatchObject([{ messages: 0 }])
  },
  90_000
)
