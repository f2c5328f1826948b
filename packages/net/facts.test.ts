/**
 * One test per private detail of a pinned version that this room relies on (libp2p.md). When one fails
 * after an upgrade, read the note beside what it names before changing the test.
 */
import { readFileSync } from 'node:fs'
import { type GossipSub, TopicValidatorResult } from '@libp2p/gossipsub'
import { streamPair } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addTopic, tellSubscriptions } from './gossip/inside.ts'
import { messageId, SCORE_OF_A_TOPIC } from './gossip/options.ts'
import type { Host } from './host/libp2p.ts'
import { openSeldom } from './streams/window.ts'
import { host, stopHosts } from './test/hosts.ts'
import { pause, until } from './test/nodes.ts'

const PINNED = {
  libp2p: '3.3.11',
  '@libp2p/gossipsub': '17.1.1',
  '@libp2p/identify': '4.1.14',
  '@libp2p/noise': '17.0.3',
  '@libp2p/tcp': '11.0.28',
  '@libp2p/utils': '7.4.1',
  '@libp2p/yamux': '8.0.3',
  'multicast-dns': '7.2.5'
}

test.each(Object.entries(PINNED))('%s is %s, the version these facts were read in', (name, version) => {
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  expect(JSON.parse(readFileSync(path, 'utf8')).version).toBe(version)
})

describe('two hosts', () => {
  let a: Host
  let b: Host

  beforeAll(async () => {
    ;[a, b] = await Promise.all([host(['known']), host(['known'])])
    await a.dial(b.getMultiaddrs())
    await until(
      'gossip streams stand',
      () => inside(a).streamsOutbound.size === 1 && inside(b).streamsOutbound.size === 1
    )
  })

  afterAll(stopHosts)

  test('gossipsub keeps own copies of its allow-list and score parameters, under these names', () => {
    expect([...inside(a).allowedTopics]).toEqual(['known'])
    expect(inside(a).score.params.topics).toEqual({ known: SCORE_OF_A_TOPIC })
  })

  test('a topic added later is accepted and scored; one not added is refused', async () => {
    for (const one of [a, b]) addTopic(one.services.pubsub, 'later')
    a.services.pubsub.subscribe('later')
    a.services.pubsub.subscribe('unknown')
    await until('b sees the subscription', () => b.services.pubsub.getSubscribers('later').length === 1)
    expect(b.services.pubsub.getSubscribers('unknown')).toEqual([])
    // What was refused is not said again, only told anew: the reason for gossip/answers.ts.
    addTopic(b.services.pubsub, 'unknown')
    b.services.pubsub.subscribe('unknown')
    await pause(300)
    expect(b.services.pubsub.getSubscribers('unknown')).toEqual([])
    tellSubscriptions(a.services.pubsub, b.peerId.toString(), ['unknown'])
    await until('b hears it now', () => b.services.pubsub.getSubscribers('unknown').length === 1)
    b.services.pubsub.subscribe('later')
    await until('the mesh forms', () => b.services.pubsub.getMeshPeers('later').length === 1)
    const graftedBy = (one: Host, peer: Host) =>
      Object.keys(inside(one).score.peerStats.get(peer.peerId.toString())?.topics ?? {})
    await until('the topic is scored', () => graftedBy(b, a).includes('later') || graftedBy(a, b).includes('later'))
    const message = Buffer.from('scored')
    b.services.pubsub.topicValidators.set('later', () => TopicValidatorResult.Reject)
    await a.services.pubsub.publish('later', message, { floodPublish: true })
    await until(
      'a reject counts',
      () => (inside(b).score.peerStats.get(a.peerId.toString())?.topics.later?.invalidMessageDeliveries ?? 0) > 0
    )
  })

  test('gossipsub does not open its stream again by itself; identify makes it', async () => {
    const [connection] = a.getConnections(b.peerId)
    const stream = connection?.streams.find(
      ({ protocol, direction }) => protocol.startsWith('/meshsub/') && direction === 'outbound'
    )
    expect(connection).toBeDefined()
    expect(stream).toBeDefined()
    // Identify may still push what changed at the start, and that would make it open again.
    await pause(3_000)
    stream?.abort(new Error('as after an overrun buffer'))
    expect(inside(a).streamsOutbound.size).toBe(0)
    await pause(500)
    expect(inside(a).streamsOutbound.size).toBe(0)
    if (connection !== undefined) await a.services.identify.identify(connection)
    await until('the stream stands again', () => inside(a).streamsOutbound.size === 1)
  })

  test('a relayed or unknown address of our own making parses the same way everywhere', () => {
    expect(
      multiaddr('/ip4/127.0.0.1/tcp/1/p2p-circuit')
        .getComponents()
        .map(({ name }) => name)
    ).toEqual(['ip4', 'tcp', 'p2p-circuit'])
  })

  test('a stream has the buffers and limits that were asked for', async () => {
    await b.handle('/fact/1.0.0', () => {})
    const [connection] = a.getConnections(b.peerId)
    const stream = await connection?.newStream('/fact/1.0.0')
    expect(stream?.maxReadBufferLength).toBe(1_114_112)
    expect(stream?.maxWriteBufferLength).toBe(2_097_152)
    stream?.abort(new Error('done'))
  })

  test.each([
    ['opens its window at every frame', () => {}, 40],
    ['is taught to open it when half of it is used', openSeldom, 1]
  ] as const)('a stream of yamux %s: the reason for streams/window.ts', async (name, teach, updates) => {
    const protocol = `/${name.replaceAll(' ', '-')}/1.0.0`
    let [received, opened] = [0, 0]
    await b.handle(protocol, (stream) => {
      const spied = stream as unknown as { sendFrame: (header: { length: number }) => void }
      const { sendFrame } = spied
      spied.sendFrame = (header) => {
        opened += 1
        sendFrame(header)
      }
      teach(stream)
      stream.addEventListener('message', ({ data }) => {
        received += data.byteLength
      })
    })
    const stream = await a.getConnections(b.peerId)[0]?.newStream(protocol)
    // 160 KB, of a window of 256 KiB.
    for (let frame = 1; frame <= 40; frame++) {
      stream?.send(new Uint8Array(4_000))
      await until('it has come', () => received === frame * 4_000)
    }
    expect(opened).toBeGreaterThanOrEqual(updates)
    expect(opened).toBeLessThan(2 * updates + 1)
    stream?.abort(new Error('done'))
  })
})

test('a pause inside the dispatch that resume makes does not hold: the reason for Inlet#resume', async () => {
  const [, inbound] = await streamPair()
  const calls: string[] = []
  const spied = inbound as unknown as { sendPause(): void; sendResume(): void }
  spied.sendPause = () => calls.push('pause')
  spied.sendResume = () => calls.push('resume')
  inbound.pause()
  inbound.push(new Uint8Array(8))
  inbound.addEventListener('message', () => inbound.pause())
  inbound.resume()
  // Should end with a pause: the reader paused last.
  expect(calls).toEqual(['pause', 'pause', 'resume'])
  expect(inbound.readStatus).toBe('paused')
})

test('onDrain resolves at once from its second time on: the reason for streams/drain.ts', async () => {
  const [outbound] = await streamPair()
  const drained = outbound.onDrain()
  await drained
  outbound.writableNeedsDrain = true
  const first = outbound.onDrain()
  outbound.dispatchEvent(new Event('drain'))
  await first
  outbound.writableNeedsDrain = true
  const second = await Promise.race([outbound.onDrain().then(() => 'at once'), pause(50).then(() => 'waited')])
  expect(second).toBe('at once')
})

test('yamux takes no initial window below 256 KiB', async () => {
  const [stream] = await streamPair()
  const factory = yamux({ streamOptions: { initialStreamWindowSize: 262_143 } })()
  expect(() => factory.createStreamMuxer(stream)).toThrow()
})

test('message ids are synchronous, 20 bytes, and differ by topic', () => {
  const data = Buffer.from('x')
  const id = messageId({ topic: 'a', data })
  expect(id).toHaveLength(20)
  expect(Buffer.from(id).equals(messageId({ topic: 'b', data }))).toBe(false)
})

interface Inside {
  readonly allowedTopics: Set<string>
  readonly streamsOutbound: Map<string, unknown>
  readonly score: {
    readonly params: { readonly topics: object }
    readonly peerStats: Map<string, { readonly topics: Record<string, { readonly invalidMessageDeliveries: number }> }>
  }
}

function inside(one: Host): Inside {
  return one.services.pubsub as unknown as GossipSub & Inside
}
