import type { PeerId, Topic, Verdict } from '@brume/ports'
import { afterEach, expect, test } from 'vitest'
import type { NetNode } from '../index.ts'
import { freshNetwork, isConnected, node, pair, pause, random, stopAll, until, wants } from './nodes.ts'

afterEach(stopAll)

/** More than the 16 after which gossipsub starts to blame an address. */
const PEERS_ON_ONE_ADDRESS = 18

test('eighteen peers on one address get every message', async () => {
  const network = freshNetwork()
  const nodes = await Promise.all(Array.from({ length: PEERS_ON_ONE_ADDRESS }, () => node(network)))
  const heard = nodes.map(() => new Set<string>())
  const topics = nodes.map((one, index) =>
    one.topic('news', (_from, data) => {
      heard[index]?.add(Buffer.from(data).toString())
      return 'accept'
    })
  )
  await Promise.all(nodes.map((one) => one.start()))
  for (const [index, one] of nodes.entries()) wants(one, ...nodes.slice(index + 1))
  const others = nodes.length - 1
  await until('all are connected', () => nodes.every((one) => one.links().length === others), 90_000)
  await until('all subscribe', () => topics.every((topic) => topic.subscribers().length === others), 60_000)
  // Past the heartbeats in which scores are computed.
  await pause(2_000)
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(topics.map((topic, index) => topic.publish(Buffer.from(`${round} from ${index}`))))
    await pause(50)
  }
  await until('all hear all', () => heard.every((messages) => messages.size === 5 * others), 60_000)
}, 240_000)

test('a topic opened after the start is accepted, relayed and judged; one not opened is refused', async () => {
  const network = freshNetwork()
  const [a, b, c] = await Promise.all([node(network), node(network), node(network)])
  await Promise.all([a, b, c].map((one) => one.start()))
  // A line: what c hears of a was relayed by b.
  wants(a, b)
  wants(c, b)
  await until('the line stands', () => b.links().length === 2)
  const group = `brume/quorum/${'ab'.repeat(32)}`
  const heard: string[] = []
  const open = (one: NetNode) =>
    one.topic(group, (_from, data) => {
      heard.push(`${one.self} ${Buffer.from(data).toString()}`)
      return 'accept'
    })
  const [topicOfA, topicOfB, topicOfC] = [open(a), open(b), open(c)]
  await until('b hears of both', () => topicOfB.subscribers().length === 2)
  await until('a can publish', () => topicOfA.subscribers().includes(b.self))
  // What b gets between c's subscription and the heartbeat that takes c into its mesh goes to c by no way: say it again.
  const isHeardByC = () => heard.some((line) => line.startsWith(`${c.self} hello`))
  for (let attempt = 0; attempt < 60 && !isHeardByC(); attempt++) {
    await topicOfA.publish(Buffer.from(`hello ${attempt}`))
    await pause(500)
  }
  expect(isHeardByC()).toBe(true)
  expect(topicOfC.subscribers()).toEqual([b.self])

  // A topic only a knows: b keeps no state of it, so a has nobody to send to.
  const unknown = a.topic(`brume/quorum/${'cd'.repeat(32)}`, () => 'accept')
  await pause(500)
  expect(unknown.subscribers()).toEqual([])
  expect(await unknown.publish(Buffer.from('anyone?'))).toEqual({ recipients: 0 })
}, 90_000)

test('whoever opens a topic late hears of those who have had it long, after a restart too', async () => {
  const network = freshNetwork()
  const seed = random.bytes(32)
  const [a, b] = await Promise.all([node(network), node(network, { seed })])
  const group = `brume/quorum/${'ef'.repeat(32)}`
  const open = (one: NetNode) => one.topic(group, () => 'accept')
  const isHeard = (topic: Topic, peer: PeerId) => () => topic.subscribers().includes(peer)
  await Promise.all([a.start(), b.start()])
  wants(a, b)
  await until('they connect', () => isConnected(a, b) && isConnected(b, a))
  const topicOfA = open(a)
  // What a says of it is for b, as yet, of no topic that it knows.
  await pause(500)
  const topicOfB = open(b)
  await until('a hears of b', isHeard(topicOfA, b.self))
  await until('b hears of a', isHeard(topicOfB, a.self))
  expect(await topicOfB.publish(Buffer.from('here'), { flood: true })).toEqual({ recipients: 1 })

  await b.stop()
  await until('a misses b', () => !isConnected(a, b))
  const again = await node(network, { seed })
  await again.start()
  wants(again, a)
  await until('b is back', () => isConnected(again, a))
  await pause(500)
  const topicOfAgain = open(again)
  await until('b hears of a again', isHeard(topicOfAgain, a.self))
  await until('a hears of b again', isHeard(topicOfA, again.self))
}, 60_000)

test('verdicts: ignored goes no further, a thrown judge blames nobody, rejected messages cost the sender', async () => {
  const [a, b] = await pair()
  let verdict: Verdict | 'throw' = 'ignore'
  const heard: PeerId[] = []
  b.topic('judged', (from) => {
    heard.push(from)
    if (verdict === 'throw') throw new Error('bug')
    return verdict
  })
  const topic = a.topic('judged', () => 'accept')
  await until('b subscribes', () => topic.subscribers().length === 1)
  let count = 0
  const publish = () => topic.publish(Buffer.from(`message ${count++}`))
  for (const kind of ['ignore', 'throw', 'reject', 'reject', 'reject'] as const) {
    verdict = kind
    const before = heard.length
    await publish()
    await until(`b judges (${kind})`, () => heard.length === before + 1)
  }
  expect(new Set(heard)).toEqual(new Set([a.self]))
  // Three invalid messages graylist the sender: what it publishes now is not even judged.
  verdict = 'accept'
  const before = heard.length
  await pause(1_500)
  await publish()
  await pause(500)
  expect(heard.length).toBe(before)
})

test('the same bytes are sent once, too many are refused, and a left topic is quiet', async () => {
  const [a, b] = await pair()
  let heard = 0
  const there = b.topic('twice', () => {
    heard += 1
    return 'accept'
  })
  const topic = a.topic('twice', () => 'accept')
  await until('b subscribes', () => topic.subscribers().length === 1)
  expect(await topic.publish(Buffer.from('once'))).toEqual({ recipients: 1 })
  expect(await topic.publish(Buffer.from('once'))).toEqual({ recipients: 0 })
  await expect(topic.publish(Buffer.alloc(32_769))).rejects.toMatchObject({ code: 'BRUME_NET_FRAME_TOO_LARGE' })
  await until('b hears', () => heard === 1)
  there.leave()
  await until('a sees it leave', () => topic.subscribers().length === 0)
  expect(await topic.publish(Buffer.from('gone'))).toEqual({ recipients: 0 })
  expect(heard).toBe(1)
})

test('two networks on one topic name do not hear each other', async () => {
  const [first, second] = await Promise.all([node(freshNetwork()), node(freshNetwork())])
  await Promise.all([first.start(), second.start()])
  wants(first, second)
  await until('they connect all the same', () => isConnected(first, second))
  const topic = first.topic('shared', () => 'accept')
  second.topic('shared', () => 'accept')
  await pause(500)
  expect(topic.subscribers()).toEqual([])
})
