import { memoryStore } from '@brume/testkit'
import { afterEach, expect, test } from 'vitest'
import { clock, freshNetwork, isConnected, linkEvents, node, pause, stopAll, until } from './nodes.ts'
import { endProcesses, peerProcess } from './processes.ts'

/** The first ask comes after 5 s, and its answer is waited for longer: what is seen before is the end of the socket. */
const PROBE_TELLS_MS = 5_000

const MDNS = { discovery: { mdns: true, bootstrap: [] } }

afterEach(async () => {
  await stopAll()
  await endProcesses()
})

test('peers on one host find each other over loopback by mdns, and another network stays apart', async () => {
  const network = freshNetwork()
  const [a, b, c, stranger] = await Promise.all([
    node(network, MDNS),
    node(network, MDNS),
    node(network, MDNS),
    node(freshNetwork(), MDNS)
  ])
  await Promise.all([a, b, c, stranger].map((one) => one.start()))
  await until('three find each other', () => [a, b, c].every((one) => one.links().length === 2))
  expect(stranger.links()).toEqual([])
  expect(a.addresses().every((address) => address.startsWith('/ip4/127.0.0.1/'))).toBe(true)
})

test('peers in processes of their own find each other, and a killed one is seen before a probe could tell', async () => {
  const network = freshNetwork()
  const a = await node(network, MDNS)
  await a.start()
  const events = linkEvents(a)
  const [child, stranger] = await Promise.all([peerProcess(network, 'mdns'), peerProcess(freshNetwork(), 'mdns')])
  await until('the child is found', () => a.links().some(({ peer }) => peer === child.peer))
  expect(a.links().some(({ peer }) => peer === stranger.peer)).toBe(false)
  const killedMs = clock.now()
  child.process.kill('SIGKILL')
  await until('the end is seen', () => events.some(({ type, peer }) => type === 'link.down' && peer === child.peer))
  expect(clock.now() - killedMs).toBeLessThan(PROBE_TELLS_MS)
})

test('a bootstrap address is enough, and is dialled again after the peer was away', async () => {
  const network = freshNetwork()
  const seed = Buffer.alloc(32, 7)
  const first = await node(network, { seed })
  await first.start()
  const listen = first.addresses().map((address) => address.replace(/\/p2p\/.*/, ''))
  const b = await node(network, { discovery: { mdns: false, bootstrap: first.addresses() } })
  await b.start()
  await until('bootstrap is dialled', () => isConnected(b, first))
  await first.stop()
  await until('the end is seen', () => b.links().length === 0)
  const again = await node(network, { seed, listen })
  await again.start()
  await until('it is dialled again', () => isConnected(b, again))
})

test('who is wanted without an address is dialled at the one that was written down', async () => {
  const network = freshNetwork()
  const seed = Buffer.alloc(32, 8)
  const first = await node(network, { seed })
  await first.start()
  const addresses = first.addresses()
  await first.stop()
  const b = await node(network, { discovery: { mdns: false, bootstrap: addresses } })
  await b.start()
  b.want([{ peer: first.self, addresses: [], priority: 'committee' }])
  const listen = addresses.map((address) => address.replace(/\/p2p\/.*/, ''))
  const again = await node(network, { seed, listen })
  await again.start()
  await until('the bootstrap address is dialled', () => isConnected(b, again))
})

test('a peer met before is dialled from the table after a restart', async () => {
  const network = freshNetwork()
  const store = memoryStore()
  const a = await node(network)
  await a.start()
  const b = await node(network, { store, discovery: { mdns: false, bootstrap: a.addresses() } })
  await b.start()
  await until('they meet', () => isConnected(b, a))
  await b.stop()
  const again = await node(network, { store })
  await again.start()
  await until('the table is enough', () => isConnected(again, a))
})

test('a bootstrap address without a peer id is refused with what to do', async () => {
  const bad = node(freshNetwork(), { discovery: { mdns: false, bootstrap: ['/ip4/127.0.0.1/tcp/4720'] } })
  await expect(bad).rejects.toMatchObject({ code: 'BRUME_NET_NO_ADDRESS' })
})

test('a listen port that is taken is said so', async () => {
  const first = await node(freshNetwork())
  await first.start()
  const listen = first.addresses().map((address) => address.replace(/\/p2p\/.*/, ''))
  const second = await node(freshNetwork(), { listen })
  await expect(second.start()).rejects.toMatchObject({ code: 'BRUME_NET_PORT_IN_USE' })
})

test('a banned peer is dropped and kept out until the ban ends', async () => {
  const network = freshNetwork()
  const [a, b] = await Promise.all([node(network), node(network)])
  await Promise.all([a.start(), b.start()])
  b.want([{ peer: a.self, addresses: a.addresses(), priority: 'member' }])
  await until('they connect', () => isConnected(a, b))
  a.drop(b.self, { banMs: 2_500 })
  await until('it is dropped', () => a.links().length === 0)
  await pause(1_500)
  expect(a.links()).toEqual([])
  const ask = { id: '/brume/test-echo/1.0.0', requestBytesMax: 9, answerBytesMax: 9 }
  await expect(a.request(b.self, ask, Buffer.from('x'), { timeoutMs: 500 })).rejects.toMatchObject({
    code: 'BRUME_NET_BANNED'
  })
  await until('it may come back', () => isConnected(a, b))
})
