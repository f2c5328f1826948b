import type { Outbound } from '@brume/runtime/kernel'
import type { Placement } from '@brume/runtime/standby'
import { SimClock } from '@brume/testkit'
import { expect, test } from 'vitest'
import { Holders } from './holders.ts'
import { Route, type Via } from './route.ts'

const GROUP = `group/${'a'.repeat(51)}a`
const ORDERS = `brume://${GROUP}/placement/orders`
const at = (holder: string, epoch: number): Placement => ({
  ...{ epoch, version: 1, holder, inSync: [], copies: ['a', 'b'], minInSync: 1, begun: true, kind: 'orders' }
})

interface Sent extends Via {
  readonly message: Outbound
}

class World {
  readonly clock = new SimClock()
  readonly sent: Sent[] = []
  readonly log: string[] = []
  placed: ReadonlyMap<string, Placement> | null = new Map([['placement/orders', at('a', 1)]])
  readonly route: Route

  constructor() {
    const { clock } = this
    const read = async () => {
      if (this.placed === null) throw new Error('the group is not reached')
      return this.placed
    }
    const log = { debug: () => undefined } as unknown as ConstructorParameters<typeof Holders>[0]['log']
    const dispatch = (message: Outbound, via: Via) => {
      this.sent.push({ message, ...via })
      return 'accepted' as const
    }
    this.route = new Route({ holders: new Holders({ read, clock, log }), clock, dispatch })
  }

  moveTo(holder: string, epoch: number): void {
    this.placed = new Map([['placement/orders', at(holder, epoch)]])
  }

  send(n: number, more: Partial<Outbound> = {}): void {
    const told = (what: string) => () => this.log.push(`${n} ${what}`)
    this.route.send({
      ...{ from: '~client', incarnation: 1, to: ORDERS, event: { type: 'note', n }, ask: false },
      ...{ durable: null, key: new Uint8Array(16), ttlMs: 30_000 },
      committed: told('committed'),
      replied: told('replied'),
      refused: (code) => told(code)(),
      ...more
    })
  }

  /** Who was sent what since the last time. */
  get went(): readonly string[] {
    return this.sent
      .splice(0)
      .map(({ message, peer, line }) => `${(message.event as { n?: number }).n} ${peer} ${line}`)
  }
}

test('who sends waits until the holder is known, and hears what it says', async () => {
  const world = new World()
  world.send(1)
  expect(world.went).toEqual([])
  await world.clock.pass(1)
  expect(world.sent.map(({ peer }) => peer)).toEqual(['a'])
  world.sent[0]?.message.committed?.()
  expect(world.log).toEqual(['1 committed'])
  await world.clock.pass(60_000)
  expect(world.sent).toHaveLength(1)
})

test('what has no answer is sent again to the next holder, and answered once', async () => {
  const world = new World()
  world.send(1)
  await world.clock.pass(1)
  const [first] = world.sent
  world.moveTo('b', 2)
  await world.clock.pass(2_000)
  expect(world.went).toEqual(['1 a 0', '1 b 0'])
  expect(world.log).toEqual([])
  first?.message.refused?.('unreachable')
  first?.message.committed?.()
  first?.message.committed?.()
  expect(world.log).toEqual(['1 committed'])
})

test('a tell is not sent twice, unless it was refused by one who is not the holder', async () => {
  const world = new World()
  world.send(1, { key: null })
  await world.clock.pass(1)
  world.moveTo('b', 2)
  await world.clock.pass(5_000)
  expect(world.went).toEqual(['1 a 0'])
  world.send(2, { key: null })
  await world.clock.pass(1)
  world.sent[0]?.message.refused?.('noactor')
  await world.clock.pass(2_000)
  expect(world.went).toEqual(['2 a 0', '2 b 0'])
})

test('durable messages stay in order: one that comes back takes those behind it along, on a line of their own', async () => {
  const world = new World()
  for (const seq of [1, 2, 3]) world.send(seq, { durable: { seq, prev: seq - 1 }, key: null })
  await world.clock.pass(1)
  const [one, two] = world.sent
  expect(world.went).toEqual(['1 a 1', '2 a 1', '3 a 1'])
  one?.message.committed?.()
  two?.message.refused?.('noactor')
  world.send(4, { durable: { seq: 4, prev: 3 }, key: null })
  expect(world.log).toEqual(['1 committed'])
  world.moveTo('b', 2)
  await world.clock.pass(2_000)
  const went = world.went
  expect(went.slice(-3)).toEqual(['2 b 3', '3 b 3', '4 b 3'])
  expect(went.some((sent) => sent.startsWith('1'))).toBe(false)
})

test('what nobody takes expires, and an actor that is not placed is none', async () => {
  const world = new World()
  world.placed = null
  world.send(1, { ttlMs: 3_000 })
  await world.clock.pass(5_000)
  expect(world.log).toEqual(['1 unreachable'])
  world.placed = new Map()
  world.send(2)
  await world.clock.pass(1_000)
  expect(world.log).toEqual(['1 unreachable', '2 noactor'])
})
