import { createNet, type NetNode } from '@brume/net'
import { createRegistry } from '@brume/observe'
import { systemClock, systemRandom } from '@brume/ports/system'
import { afterEach, expect, test } from 'vitest'
import { createKernel, type Kernel } from '../kernel/index.ts'
import { logbook, silent } from './fixture.ts'
import { createDelivery, type Delivery } from './index.ts'

const clock = systemClock()
const random = systemRandom()
const ended: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(ended.splice(0).map((end) => end()))
})

interface Peer {
  readonly net: NetNode
  readonly kernel: Kernel
  readonly delivery: Delivery
}

async function peer(networkId: Uint8Array): Promise<Peer> {
  const shared = { clock, random, log: silent }
  const net = await createNet({
    ...{ ...shared, networkId, seed: random.bytes(32), profile: 'local', registry: createRegistry() },
    discovery: { mdns: false, bootstrap: [] }
  })
  const delivery = createDelivery({ ...shared, net })
  const kernel = createKernel({ ...shared, self: net.self, remote: delivery })
  await net.start()
  delivery.start(kernel)
  kernel.register(logbook)
  ended.push(async () => {
    delivery.stop()
    await kernel.stop()
    await net.stop()
  })
  return { net, kernel, delivery }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const endMs = clock.now() + 60_000
  while (!holds()) {
    if (clock.now() > endMs) throw new Error(`not within a minute: ${what}`)
    await new Promise<void>((resolve) => clock.after(10, resolve))
  }
}

test('over sockets: tells in order, asks, reads, also after the connection was closed under them', async () => {
  const networkId = random.bytes(32)
  const [a, b] = await Promise.all([peer(networkId), peer(networkId)])
  a.net.want([{ peer: b.net.self, addresses: b.net.addresses(), priority: 'member' }])
  b.kernel.spawn('book', 'logbook', { durability: 'memory', mailbox: { max: 65_536 } })
  const book = `brume://${b.net.self}/book`
  const noted = (): number => b.kernel.actors()[0]?.seq ?? 0
  const sent = Array.from({ length: 6_000 }, (_, n) => n)
  for (const n of sent.slice(0, 3_000)) a.kernel.tell(book, { type: 'note', n })
  await until('some arrive', () => noted() > 0)
  a.net.drop(b.net.self)
  for (const n of sent.slice(3_000)) a.kernel.tell(book, { type: 'note', n })
  await until('all arrive', () => noted() >= sent.length)
  expect(await a.kernel.ask(book, { type: 'get' }, { timeoutMs: 60_000 })).toEqual(sent)
  expect(await a.kernel.snapshot(book)).toMatchObject({ seq: sent.length + 1, context: { seen: sent } })
  expect(a.delivery.view()).toMatchObject([{ messages: 0, isReady: true }])
})
