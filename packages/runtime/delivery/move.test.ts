import { encode } from '@brume/codec'
import { StoreMedium } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { logbook, type Node, PEERS, seenBy, spawnLogbook, World } from './fixture.ts'

const everyone = { admins: PEERS }

/** Peers with disks that obey each other. */
async function peers(count: number): Promise<{ readonly world: World; readonly nodes: readonly Node[] }> {
  const world = new World()
  const nodes = Array.from({ length: count }, (_, index) =>
    world.start(index, { ...everyone, store: new StoreMedium().open() })
  )
  for (const { kernel } of nodes) await kernel.start()
  return { world, nodes }
}

/** In virtual time. */
async function settled<T>(world: World, promise: Promise<T>): Promise<T> {
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  promise.then(over, over)
  await world.clock.until(() => isOver, 60_000)
  if (!isOver) throw new Error('it is not over after a minute')
  return promise
}

describe('an actor that moves', () => {
  test('goes on at the other peer with its state; those here and elsewhere find it by its old address', async () => {
    const { world, nodes } = await peers(3)
    const [a, b, c] = nodes as [Node, Node, Node]
    a.kernel.spawn('book', 'logbook')
    await settled(world, c.kernel.submit(a.at('book'), { type: 'note', n: 1 }))
    const downs: unknown[] = []
    c.kernel.watch(a.at('book'), ({ reason, output }) => downs.push([reason, output]))
    const emitted: unknown[] = []
    a.kernel.on('book', 'noted', ({ n }) => emitted.push(n))
    await world.clock.pass(100)

    expect(await settled(world, a.kernel.move('book', b.peer))).toEqual({ address: b.at('book') })

    await settled(world, c.kernel.submit(a.at('book'), { type: 'note', n: 2 }))
    await settled(world, a.kernel.submit('book', { type: 'note', n: 3 }))
    expect(c.kernel.tell(b.at('book'), { type: 'note', n: 4 })).toBe('accepted')
    await world.clock.pass(100)
    expect(await settled(world, c.kernel.ask(a.at('book'), { type: 'get' }))).toEqual([1, 2, 3, 4])
    expect(await settled(world, seenBy(b, 'book'))).toEqual([1, 2, 3, 4])
    expect((await settled(world, c.kernel.snapshot(a.at('book')))).address).toBe(b.at('book'))
    expect(a.kernel.actors()).toEqual([])
    expect(a.kernel.spawn('book', 'logbook')).toEqual({ address: b.at('book') })
    expect(downs).toEqual([['moved', b.at('book')]])
    expect(emitted).toEqual([2, 3, 4])
    b.kernel.stopActor('book')
    await world.clock.pass(100)
    expect(downs).toEqual([
      ['moved', b.at('book')],
      ['stopped', undefined]
    ])
  })

  test('takes what durable actors send it all the while, each once and in order', async () => {
    const { world, nodes } = await peers(3)
    const [a, b, c] = nodes as [Node, Node, Node]
    a.kernel.spawn('book', 'logbook')
    for (const node of nodes) node.kernel.spawn('from', 'logbook')
    const to = a.at('book')
    for (let n = 0; n < 60; n++) {
      for (const [index, node] of nodes.entries()) node.kernel.tell('from', { type: 'pass', to, n: 100 * index + n })
      if (n === 20) void a.kernel.move('book', b.peer)
      await world.clock.pass(7)
    }
    await world.clock.pass(5_000)
    const seen = await settled(world, seenBy(b, 'book'))
    for (const index of [0, 1, 2]) {
      const own = seen.filter((n) => Math.floor(Number(n) / 100) === index)
      expect(own, `of peer ${index}`).toEqual(Array.from({ length: 60 }, (_, n) => 100 * index + n))
    }
    expect(seen).toHaveLength(180)
    // And back again, by another peer's wish: addresses of both lives lead there.
    await settled(world, c.kernel.move(to, a.peer))
    for (const node of nodes) node.kernel.tell('from', { type: 'pass', to, n: 1_000 })
    for (const node of nodes) node.kernel.tell('from', { type: 'pass', to: b.at('book'), n: 1_001 })
    await world.clock.pass(5_000)
    const last = (await settled(world, seenBy(a, 'book'))).slice(180)
    expect(last.toSorted()).toEqual([1_000, 1_000, 1_000, 1_001, 1_001, 1_001])
  })

  test('takes nothing of other peers from when it is told to leave until it stays or has left', async () => {
    const { world, nodes } = await peers(1)
    const [a] = nodes as [Node]
    a.kernel.spawn('book', 'logbook')
    await world.clock.pass(100)
    let came = 0
    const receive = () => {
      came += 1
      const heard: unknown[] = []
      const message = {
        peer: PEERS[2] ?? '',
        from: `brume://${PEERS[2]}/~client`,
        to: a.at('book'),
        ask: false,
        key: null
      }
      a.kernel.receive(
        { ...message, event: encode({ type: 'note', n: came }), ttlMs: 30_000, durable: null },
        {
          committed: () => heard.push('committed'),
          refused: (code) => heard.push(code),
          replied: () => {},
          moved: (address) => heard.push(address)
        }
      )
      return heard
    }
    const move = a.kernel.move('book', PEERS[1] ?? '').catch((error) => error.code)
    // Its mailbox is being emptied, then the other peer is asked.
    expect(receive()).toEqual(['full'])
    await world.clock.pass(1_000)
    expect(receive()).toEqual(['full'])
    expect(await settled(world, move)).toBe('BRUME_RUNTIME_UNREACHABLE')
    const heard = receive()
    await world.clock.pass(100)
    expect([heard, await settled(world, seenBy(a, 'book'))]).toEqual([['committed'], [3]])
  })

  test('stays where the other peer does not take it, and goes on', async () => {
    const { world, nodes } = await peers(2)
    const [a, b] = nodes as [Node, Node]
    const failing = (what: Promise<unknown>) =>
      settled(
        world,
        what.then(
          () => 'done',
          (error) => error.code
        )
      )
    a.kernel.spawn('book', 'logbook')
    spawnLogbook(a, 'volatile')
    b.kernel.spawn('book', 'logbook')
    expect(await failing(a.kernel.move('book', b.peer))).toBe('BRUME_RUNTIME_PATH_TAKEN')
    expect(await failing(a.kernel.move('volatile', b.peer))).toBe('BRUME_RUNTIME_MOVE')
    expect(await failing(a.kernel.move('nobody', b.peer))).toBe('BRUME_RUNTIME_NOACTOR')
    a.kernel.register({ ...logbook, name: 'other' })
    a.kernel.spawn('strange', 'other')
    expect(await failing(a.kernel.move('strange', b.peer))).toBe('BRUME_RUNTIME_KIND')
    expect(await failing(a.kernel.move('strange', PEERS[2] ?? ''))).toBe('BRUME_RUNTIME_UNREACHABLE')
    await settled(world, a.kernel.submit('strange', { type: 'note', n: 1 }))
    await settled(world, b.kernel.submit(a.at('book'), { type: 'note', n: 2 }))
    expect(await settled(world, seenBy(a, 'book'))).toEqual([2])
  })
})

describe('what is for admins only', () => {
  test('spawn, stop and move: forbidden to others', async () => {
    const world = new World()
    const store = () => new StoreMedium().open()
    const [a, b, c] = [0, 1, 2].map((index) => world.start(index, { admins: [PEERS[1] ?? ''], store: store() })) as [
      Node,
      Node,
      Node
    ]
    for (const { kernel } of [a, b, c]) await kernel.start()
    const failing = (what: Promise<unknown>) =>
      settled(
        world,
        what.then(
          () => 'done',
          (error) => error.code
        )
      )
    expect(await failing(c.kernel.spawnOn(a.peer, 'book', 'logbook'))).toBe('BRUME_RUNTIME_FORBIDDEN')
    expect(await settled(world, b.kernel.spawnOn(a.peer, 'book', 'logbook'))).toEqual({ address: a.at('book') })
    expect(await failing(b.kernel.spawnOn(a.peer, 'other', 'unknown'))).toBe('BRUME_RUNTIME_KIND')
    expect(await failing(b.kernel.spawnOn(a.peer, 'sys/other', 'logbook'))).toBe('BRUME_RUNTIME_FORBIDDEN')
    expect(await failing(c.kernel.stopActor(a.at('book')))).toBe('BRUME_RUNTIME_FORBIDDEN')
    expect(await failing(c.kernel.resurrect(a.at('book')))).toBe('BRUME_RUNTIME_FORBIDDEN')
    expect(await settled(world, b.kernel.resurrect(a.at('book')))).toBeUndefined()
    expect(await failing(c.kernel.move(a.at('book'), c.peer))).toBe('BRUME_RUNTIME_FORBIDDEN')
    // c would be told to take it by a, which is none of its admins.
    expect(await failing(b.kernel.move(a.at('book'), c.peer))).toBe('BRUME_RUNTIME_FORBIDDEN')
    await settled(world, c.kernel.submit(a.at('book'), { type: 'note', n: 1 }))
    await settled(world, b.kernel.stopActor(a.at('book')))
    expect(await failing(c.kernel.submit(a.at('book'), { type: 'note', n: 2 }))).toBe('BRUME_RUNTIME_STOPPED')
  })
})
