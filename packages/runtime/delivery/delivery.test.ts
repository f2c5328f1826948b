import { encode } from '@brume/codec'
import { createRegistry } from '@brume/observe'
import { NodeClock } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { type Node, PEERS, seenBy, spawnLogbook, World } from './fixture.ts'
import { ACTORS_CHANNEL, encodeFrame } from './index.ts'

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

const pair = (more = {}): [World, Node, Node] => {
  const world = new World()
  return [world, world.start(0, more), world.start(1, more)]
}

/** Whatever is due within a second is due at its end, in the order in which it was asked for. */
function lateClock({ clock }: World): NodeClock {
  const late = new NodeClock(clock)
  const after = late.after.bind(late)
  late.after = (ms, run) => after(ms === 0 ? 0 : Math.ceil((clock.now() + ms) / 1_000) * 1_000 - clock.now(), run)
  return late
}

/** What becomes of a promise while virtual time passes. */
async function within<T>(world: World, ms: number, promise: Promise<T>): Promise<T | string> {
  const settled = promise.catch((error: { readonly code: string }) => error.code)
  await world.clock.pass(ms)
  return Promise.race([settled, Promise.resolve('pending')])
}

describe('messages', () => {
  test('arrive once and in order', async () => {
    const [world, a, b] = pair()
    spawnLogbook(b, 'book')
    for (const n of count(500)) expect(a.kernel.tell(b.at('book'), { type: 'note', n })).toBe('accepted')
    world.clock.run(1_000)
    expect(await seenBy(b, 'book')).toEqual(count(500))
    expect(a.delivery.view()).toMatchObject([{ isReady: true, messages: 0, pairsOut: 1 }])
  })

  test('of actors to actors go the same way, with their sender', async () => {
    const [world, a, b] = pair()
    spawnLogbook(a, 'first')
    spawnLogbook(b, 'second')
    for (const n of count(3)) a.kernel.tell('first', { type: 'pass', to: b.at('second'), n })
    world.clock.run(1_000)
    expect(await seenBy(b, 'second')).toEqual(count(3))
  })

  test('survive a connection that breaks again and again', async () => {
    const [world, a, b] = pair()
    spawnLogbook(b, 'book')
    for (const n of count(1_000)) {
      a.kernel.tell(b.at('book'), { type: 'note', n })
      world.clock.run(3)
      if (n % 97 === 0) world.net.sever(a.peer, b.peer)
    }
    world.clock.run(5_000)
    expect(await seenBy(b, 'book')).toEqual(count(1_000))
  })

  test('that find a full mailbox wait, and keep their order', async () => {
    const registry = createRegistry()
    const world = new World()
    const [a, b] = [world.start(0), world.start(1, { registry })]
    spawnLogbook(b, 'book', { max: 4 })
    b.kernel.tell('book', { type: 'fail' })
    for (const n of count(40)) a.kernel.tell(b.at('book'), { type: 'note', n })
    world.clock.run(100)
    expect(a.delivery.view()[0]?.messages).toBeGreaterThan(30)
    expect(await registry.metrics()).toContain('brume_runtime_nacks_total{code="full"}')
    world.clock.run(10_000)
    expect(await seenBy(b, 'book')).toEqual(count(40))
  })

  test('that were refused come again, also where the timers of a busy machine are late and come all at once', async () => {
    const world = new World()
    const clock = lateClock(world)
    const [a, b] = [world.start(0, { clock }), world.start(1)]
    spawnLogbook(b, 'book', { max: 1 })
    b.kernel.tell('book', { type: 'fail' })
    b.kernel.tell('book', { type: 'note', n: 0 })
    a.kernel.tell(b.at('book'), { type: 'note', n: 1 })
    world.clock.run(20_000)
    expect(await seenBy(b, 'book')).toEqual([0, 1])
  })

  test('are refused in the words of the kernel', async () => {
    const [world, a, b] = pair()
    spawnLogbook(b, 'book')
    const letters: unknown[] = []
    const told = async (): Promise<void> => {
      for await (const { reason, event } of a.kernel.deadLetters()) letters.push([reason, event.type])
    }
    void told()
    a.kernel.tell(b.at('nobody'), { type: 'note' })
    a.kernel.tell(b.at('book'), { type: 'xstate.stop' })
    a.kernel.tell(`${b.at('book')}#7`, { type: 'late' })
    a.kernel.tell(`brume://${PEERS[2]}/x`, { type: 'lost' }, { ttlMs: 3_000 })
    await world.clock.pass(5_000)
    expect(letters.toSorted()).toEqual([
      ['expired', 'lost'],
      ['invalid', 'xstate.stop'],
      ['noactor', 'note'],
      ['stale', 'late']
    ])
  })

  test('beyond a queue are full, and what waits is bounded', () => {
    const [, a] = pair()
    const event = { type: 'note', n: new Uint8Array(2_000) }
    const results = count(3_000).map(() => a.kernel.tell(`brume://${PEERS[2]}/x`, event))
    expect(results.filter((result) => result === 'full').length).toBeGreaterThan(900)
    expect(a.delivery.view()[0]?.queuedBytes).toBeLessThanOrEqual(4_194_304)
  })

  test('leave room to others: a pair that sends much does not hold back one that sends little', async () => {
    const [world, a, b] = pair()
    for (const path of ['busy', 'quiet']) spawnLogbook(b, path)
    for (const n of count(2_000)) a.kernel.tell(b.at('busy'), { type: 'note', n: [n, new Uint8Array(1_000)] })
    a.kernel.tell(b.at('quiet'), { type: 'note', n: 1 })
    await world.clock.until(() => b.kernel.actors().some(({ path, seq }) => path === 'quiet' && seq === 1), 5_000)
    expect(b.kernel.actors().find(({ path }) => path === 'busy')?.seq).toBeLessThan(2_000)
  })
})

describe('asks', () => {
  test('are answered, submits resolve', async () => {
    const [world, a, b] = pair()
    spawnLogbook(b, 'book')
    const noted = a.kernel.submit(b.at('book'), { type: 'note', n: 1.5 })
    const asked = noted.then(() => a.kernel.ask(b.at('book'), { type: 'get' }))
    expect(await within(world, 1_000, asked)).toEqual([1.5])
  })

  test('are answered although every answer meets a broken connection once', async () => {
    const [world, a, b] = pair()
    spawnLogbook(b, 'book')
    const asked = a.kernel.ask(b.at('book'), { type: 'get' }, { timeoutMs: 20_000 })
    b.kernel.on('book', '*', () => undefined)
    await world.clock.until(() => b.kernel.actors()[0]?.seq === 1)
    world.net.sever(a.peer, b.peer)
    expect(await within(world, 5_000, asked)).toEqual([])
  })

  test('fail after 10 s without the peer', async () => {
    const [world, a, b] = pair()
    world.kill(b)
    const asked = a.kernel.ask(b.at('book'), { type: 'get' }, { timeoutMs: 60_000 })
    expect(await within(world, 9_000, asked)).toBe('pending')
    expect(await within(world, 3_000, asked)).toBe('BRUME_RUNTIME_UNREACHABLE')
  })
})

describe('reads', () => {
  test('show a snapshot, events, every change', async () => {
    const [world, a, b] = pair()
    spawnLogbook(b, 'book')
    const [events, seqs]: [unknown[], number[]] = [[], []]
    const cancel = a.kernel.on(b.at('book'), 'noted', (event) => events.push(event))
    a.delivery.follow(b.at('book'), ({ seq }) => seqs.push(seq))
    world.clock.run(500)
    for (const n of count(2)) b.kernel.tell('book', { type: 'note', n })
    world.clock.run(500)
    cancel()
    world.clock.run(500)
    b.kernel.tell('book', { type: 'note', n: 2 })
    world.clock.run(500)
    expect(events).toEqual(count(2).map((n) => ({ type: 'noted', n })))
    expect(seqs).toEqual([1, 2, 3])
    const read = await within(world, 500, a.kernel.snapshot(b.at('book')))
    expect(read).toMatchObject({ address: b.at('book'), context: { seen: [0, 1, 2] }, cell: 'active', seq: 3 })
  })

  test('of more than a frame come in pieces', async () => {
    const [world, a, b] = pair()
    spawnLogbook(b, 'book')
    for (const n of count(5)) b.kernel.tell('book', { type: 'note', n: String(n).repeat(60_000) })
    const read = await within(world, 1_000, a.kernel.snapshot(b.at('book')))
    expect(read).toMatchObject({ context: { seen: count(5).map((n) => String(n).repeat(60_000)) } })
  })

  test('of nobody, and of what is not shown, are refused', async () => {
    const [world, a, b] = pair()
    spawnLogbook(b, 'sys/book')
    expect(await within(world, 500, a.kernel.snapshot(b.at('nobody')))).toBe('BRUME_RUNTIME_NOACTOR')
    expect(await within(world, 500, a.kernel.snapshot(b.at('sys/book')))).toBe('BRUME_RUNTIME_FORBIDDEN')
    const entries = async (): Promise<void> => {
      for await (const _ of a.delivery.history(b.at('book'), 0));
    }
    expect(await within(world, 500, entries())).toBe('BRUME_RUNTIME_FORBIDDEN')
  })
})

describe('watches', () => {
  test('tell of an end once, and of what comes after', async () => {
    const [world, a, b] = pair()
    spawnLogbook(b, 'book')
    const downs: string[] = []
    a.kernel.watch(b.at('book'), ({ reason }) => downs.push(reason))
    await world.clock.pass(500)
    await b.kernel.stopActor('book')
    for (let n = 0; n < 3; n += 1) {
      world.net.sever(a.peer, b.peer)
      await world.clock.pass(3_000)
    }
    expect(downs).toEqual(['stopped'])
  })

  test('tell that an actor in memory was lost with its peer', async () => {
    const [world, a, b] = pair()
    spawnLogbook(b, 'book')
    const downs: string[] = []
    a.kernel.watch(b.at('book'), ({ reason }) => downs.push(reason))
    await world.clock.pass(500)
    world.kill(b)
    // Without a store, boots are told apart by the second.
    await world.clock.pass(1_000)
    spawnLogbook(world.start(1), 'book')
    await world.clock.pass(5_000)
    expect(downs).toEqual(['restarted'])
  })

  test('tell once that a peer is unreachable, and do not take it back', async () => {
    const [world, a, b] = pair()
    spawnLogbook(b, 'book')
    const downs: string[] = []
    a.kernel.watch(b.at('book'), ({ reason }) => downs.push(reason))
    await world.clock.pass(500)
    world.net.partition([[a.peer], [b.peer]])
    await world.clock.pass(40_000)
    world.net.heal()
    await world.clock.pass(5_000)
    await b.kernel.stopActor('book')
    await world.clock.pass(5_000)
    expect(downs).toEqual(['unreachable'])
    expect(a.delivery.view()).toMatchObject([{ requests: 0, isReady: true }])
  })
})

describe('what a link remembers', () => {
  test('idle pairs are closed on both sides, and opened again', async () => {
    const [world, a, b] = pair()
    spawnLogbook(b, 'book')
    a.kernel.tell(b.at('book'), { type: 'note', n: 1 })
    world.clock.run(310_000)
    expect([a.delivery.view()[0]?.pairsOut, b.delivery.view()[0]?.pairsIn]).toEqual([0, 0])
    a.kernel.tell(b.at('book'), { type: 'note', n: 2 })
    world.clock.run(1_000)
    expect(await seenBy(b, 'book')).toEqual([1, 2])
  })

  test('a peer that is gone for ten minutes is forgotten', () => {
    const [world, a, b] = pair()
    spawnLogbook(b, 'book')
    a.kernel.tell(b.at('book'), { type: 'note', n: 1 })
    world.clock.run(1_000)
    world.kill(b)
    world.clock.run(640_000)
    expect(a.delivery.view()).toEqual([])
  })
})

describe('a peer that breaks the protocol', () => {
  const hello = encodeFrame({ type: 'hello', session: new Uint8Array(8), opening: 1, heard: null })
  const event = encode({ type: 'note', n: 0 })
  const message = {
    ...{ pair: 1, seq: 1, delta: 0, ttlMs: 1_000, ask: 0, durable: false },
    ...{ key: null, event }
  }
  const opened = { type: 'pair', pair: 1, from: '~client', incarnation: 1, to: `brume://${PEERS[1]}/book` } as const
  const control = (number: number, what: Parameters<typeof encodeFrame>[0] & { type: 'control' }): Uint8Array =>
    encodeFrame({ ...what, number })
  const open = control(1, { type: 'control', number: 1, control: opened })
  const large = { ...message, event: new Uint8Array(60_000) }

  test.each<readonly [string, readonly Uint8Array[]]>([
    ['says something before Hello', [open]],
    ['sends what is no frame', [hello, Uint8Array.of(99, 1)]],
    ['writes to a pair that is not open', [hello, encodeFrame({ type: 'messages', messages: [message] })]],
    ['skips a control', [hello, control(2, { type: 'control', number: 2, control: opened })]],
    ['uses a pair number twice', [hello, open, control(2, { type: 'control', number: 2, control: opened })]],
    [
      'sends more than it was allowed',
      [hello, open, ...count(30).map((n) => encodeFrame({ type: 'messages', messages: [{ ...large, seq: n + 1 }] }))]
    ]
  ])('%s: its stream is ended, and others go on', async (_what, frames) => {
    const registry = createRegistry()
    const world = new World()
    const b = world.start(1, { registry })
    spawnLogbook(b, 'book')
    b.kernel.tell('book', { type: 'fail' })
    const liar = world.net.start(PEERS[0] ?? '')
    const closed: string[] = []
    const channel = liar.channel(ACTORS_CHANNEL, { frame: () => undefined, closed: (peer) => closed.push(peer) })
    channel.connect([b.peer])
    world.clock.run(200)
    for (const frame of frames) channel.send(b.peer, frame)
    world.clock.run(150)
    expect(closed).toEqual([b.peer])
    expect(await registry.metrics()).toMatch(/link_faults_total\{code="BRUME_/)
    const c = world.start(2)
    c.kernel.tell(b.at('book'), { type: 'note', n: 1 })
    world.clock.run(5_000)
    expect(await seenBy(b, 'book')).toEqual([1])
  })
})
