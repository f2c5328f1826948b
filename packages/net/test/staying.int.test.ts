import { createRegistry } from '@brume/observe'
import { afterEach, expect, test } from 'vitest'
import type { NetNode } from '../index.ts'
import { clock, freshNetwork, isConnected, node, pair, pause, stopAll, until, wants } from './nodes.ts'
import { endProcesses, peerProcess } from './processes.ts'

afterEach(async () => {
  await stopAll()
  await endProcesses()
})

const PAIRS = 8

test('pairs that dial each other at once end with one connection, and gossip both ways', async () => {
  const network = freshNetwork()
  const registries = Array.from({ length: 2 * PAIRS }, () => createRegistry())
  const nodes = await Promise.all(registries.map((registry) => node(network, { registry })))
  const heard = nodes.map(() => 0)
  const topics = nodes.map((one, index) =>
    one.topic('pairs', () => {
      heard[index] = (heard[index] ?? 0) + 1
      return 'accept'
    })
  )
  await Promise.all(nodes.map((one) => one.start()))
  const pairs = Array.from({ length: PAIRS }, (_, index) => nodes.slice(2 * index, 2 * index + 2) as [NetNode, NetNode])
  for (const [a, b] of pairs) {
    wants(a, b)
    wants(b, a)
  }
  await until('all pairs connect', () => pairs.every(([a, b]) => isConnected(a, b) && isConnected(b, a)))
  await until('all subscribe', () => topics.every((topic) => topic.subscribers().length === 1))
  const settledMs = clock.now() + 8_000
  await until('duplicates had their time', () => clock.now() > settledMs)
  const connections = await Promise.all(
    registries.map(async (registry) => {
      const gauge = await registry.getSingleMetric('brume_net_connections')?.get()
      return gauge?.values.reduce((sum, { value }) => sum + value, 0)
    })
  )
  expect(connections).toEqual(nodes.map(() => 1))
  await Promise.all(topics.map((topic, index) => topic.publish(Buffer.from(`from ${index}`))))
  await until('both ways', () => heard.every((count) => count >= 1))
}, 40_000)

test('a link shows its round trip soon after it came up', async () => {
  const [a, b] = await pair()
  await until('both measured', () => [a, b].every((one) => one.links()[0]?.rttMs !== undefined))
  const [link] = a.links()
  expect(link).toMatchObject({ peer: b.self, slow: false })
  expect(link?.rttMinMs).toBeLessThanOrEqual(link?.rttMs ?? 0)
  expect(link?.address).toContain('/ip4/127.0.0.1/tcp/')
})

test('a stopped process is given up after the probe deadline and found again when it goes on', async () => {
  const network = freshNetwork()
  const a = await node(network)
  await a.start()
  const child = await peerProcess(network, 'none')
  a.want([{ peer: child.peer, addresses: child.addresses, priority: 'member' }])
  await until('they connect', () => a.links().length === 1)
  await until('it answers probes', () => a.links()[0]?.rttMs !== undefined)
  const stoppedMs = clock.now()
  child.process.kill('SIGSTOP')
  await until('it is given up', () => a.links().length === 0, 60_000)
  const goneMs = clock.now() - stoppedMs
  expect(goneMs).toBeGreaterThan(5_000)
  // 12 s after the first ask, which comes every 5 s; the rest is for a busy machine.
  expect(goneMs).toBeLessThan(30_000)
  child.process.kill('SIGCONT')
  await until('it is found again', () => a.links().length === 1, 40_000)
}, 120_000)

test('an own stall loses no connection', async () => {
  const network = freshNetwork()
  const a = await node(network)
  await a.start()
  const child = await peerProcess(network, 'none')
  a.want([{ peer: child.peer, addresses: child.addresses, priority: 'member' }])
  await until('it answers probes', () => a.links()[0]?.rttMs !== undefined)
  let downs = 0
  a.onLink(({ type }) => {
    if (type === 'link.down') downs += 1
  })
  const endMs = performance.now() + 8_000
  while (performance.now() < endMs);
  await pause(3_000)
  expect(downs).toBe(0)
  expect(a.links()).toHaveLength(1)
}, 40_000)
