import { createSocket } from 'node:dgram'
import { mdns as plainMdns } from '@libp2p/mdns'
import fc from 'fast-check'
import type { ResponsePacket } from 'multicast-dns'
import { afterEach, describe, expect, test } from 'vitest'
import { clock, log, random, until } from '../test/nodes.ts'
import { interfaceAddresses } from './interfaces.ts'
import { Mdns, type MdnsOptions } from './mdns.ts'
import { mdnsOn } from './multicast.ts'
import { answerFor, type Candidate, readAnswer } from './packets.ts'

const PEERS = [
  '12D3KooWRquFMGDzoLef3vCSJ2AEPfa4KMgaBT3A3nooQdmAew3a',
  '12D3KooWSRntQar4Ke5wvtgAfMMLA7RkzKsibzJfKogEwzc38xuF'
] as const
const TAG = '_brume-0badcafe._udp.local'

function packet(answers: ResponsePacket['answers'], additionals: ResponsePacket['answers'] = []): ResponsePacket {
  return { type: 'response', id: 0, flags: 0, questions: [], answers, authorities: [], additionals }
}

describe('packets', () => {
  const addresses = ['/ip4/127.0.0.1/tcp/4001', '/ip4/127.0.0.1/tcp/4002']

  test('an answer is read back, from either section', () => {
    const [pointer, ...texts] = answerFor(TAG, 'name', PEERS[0], addresses)
    const found = { peer: PEERS[0], addresses }
    if (pointer === undefined) throw new Error('no pointer')
    expect(readAnswer(packet([pointer, ...texts]), TAG, 'other')).toEqual(found)
    expect(readAnswer(packet([pointer], texts), TAG, 'other')).toEqual(found)
  })

  test('another network, our own and half answers say nothing', () => {
    const answers = answerFor(TAG, 'name', PEERS[0], addresses)
    expect(readAnswer(packet(answers), '_brume-deadbeef._udp.local', 'other')).toBeUndefined()
    expect(readAnswer(packet(answers), TAG, 'name')).toBeUndefined()
    expect(readAnswer(packet(answers.slice(0, 1)), TAG, 'other')).toBeUndefined()
    expect(readAnswer(packet(answers.slice(1)), TAG, 'other')).toBeUndefined()
  })

  test('one answer names one peer, with at most eight addresses', () => {
    const many = Array.from({ length: 50 }, (_, index) => `/ip4/127.0.0.1/tcp/${4_000 + index}`)
    const mixed = [...answerFor(TAG, 'n', PEERS[0], many), ...answerFor(TAG, 'n', PEERS[1], many).slice(1)]
    const found = readAnswer(packet(mixed), TAG, 'other')
    expect(found?.peer).toBe(PEERS[0])
    expect(found?.addresses).toEqual(many.slice(0, 8))
  })

  test('no record makes it throw', () => {
    const data = fc.oneof(
      fc.string(),
      fc.uint8Array({ maxLength: 40 }),
      fc.string().map((text) => `dnsaddr=${text}`),
      fc.string().map((text) => `dnsaddr=/ip4/127.0.0.1/tcp/1/p2p/${text}`),
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 }),
      fc.constant(undefined)
    )
    const record = fc.record({ type: fc.constantFrom('PTR', 'TXT', 'A', 'SRV'), name: fc.constantFrom(TAG, 'x'), data })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 6 }), (records) => {
        readAnswer(packet(records as ResponsePacket['answers']), TAG, 'other')
      }),
      { numRuns: 20_000 }
    )
  })
})

describe('hostile datagrams', () => {
  const from = { address: '127.0.0.1', family: 'IPv4', port: 5353, size: 0 }

  test('100,000 of them name no candidate, and throw nothing', () => {
    const socket = createSocket('udp4')
    const mdns = mdnsOn(socket, TAG)
    let decoded = 0
    let candidates = 0
    mdns.on('response', (response) => {
      decoded += 1
      if (readAnswer(response, TAG, 'own') !== undefined) candidates += 1
    })
    mdns.on('warning', () => {
      decoded += 1
    })
    let seed = 7
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return (seed >>> 8) % below
    }
    // A header of a response with a few records, then the tag as a name, then anything.
    const opening = Buffer.concat([Buffer.from('000084000000000200000001', 'hex'), nameOf(TAG)])
    for (let round = 0; round < 100_000; round += 1) {
      const bytes = Buffer.alloc(next(80))
      for (let index = 0; index < bytes.length; index += 1) bytes[index] = next(3) === 0 ? next(256) : next(4)
      socket.emit('message', next(2) === 0 ? Buffer.concat([opening, bytes]) : bytes, from)
    }
    expect(candidates).toBe(0)
    expect(decoded).toBeGreaterThan(10_000)
    mdns.destroy()
  }, 120_000)

  test('a header that claims 65,535 records is not decoded', () => {
    const socket = createSocket('udp4')
    const mdns = mdnsOn(socket, TAG)
    let decoded = 0
    for (const event of ['packet', 'warning'] as const) mdns.on(event, () => (decoded += 1))
    const bytes = Buffer.concat([Buffer.from('00008400ffffffffffffffff', 'hex'), nameOf(TAG)])
    socket.emit('message', bytes, from)
    expect(decoded).toBe(0)
    mdns.destroy()
  })
})

/** A name in DNS wire form: labels with their lengths, ended by an empty one. */
function nameOf(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]))
  return Buffer.concat([...labels, Buffer.of(0)])
}

describe('on loopback', () => {
  const stops: (() => unknown)[] = []
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })

  const loopback = interfaceAddresses().filter((one) => one.loopback)
  const tag = (): string => `_brume-${Buffer.from(random.bytes(4)).toString('hex')}._udp.local`

  async function station(serviceTag: string, peer: string, more: Partial<MdnsOptions> = {}): Promise<Candidate[]> {
    const found: Candidate[] = []
    const mdns = new Mdns({
      serviceTag,
      peer,
      addresses: () => ['/ip4/127.0.0.1/tcp/4711'],
      found: (candidate) => found.push(candidate),
      known: () => false,
      noRoute: () => {},
      clock,
      random,
      log,
      ...more
    })
    stops.push(() => mdns.stop())
    await mdns.follow(loopback)
    return found
  }

  test('two find each other at once, each only the other', async () => {
    const serviceTag = tag()
    const [first, second] = [await station(serviceTag, PEERS[0]), await station(serviceTag, PEERS[1])]
    await until('both found', () => first.length > 0 && second.length > 0, 2_000)
    expect(new Set(first.map(({ peer }) => peer))).toEqual(new Set([PEERS[1]]))
    expect(new Set(second.map(({ peer }) => peer))).toEqual(new Set([PEERS[0]]))
    expect(first[0]?.addresses).toEqual(['/ip4/127.0.0.1/tcp/4711'])
  })

  test('a flood of impostors is cut to 32 candidates in ten seconds', async () => {
    const { identityFromSeed } = await import('@brume/crypto')
    const serviceTag = tag()
    const found = await station(serviceTag, PEERS[0])
    for (let index = 0; index < 60; index += 1) {
      const peer = identityFromSeed(Buffer.alloc(32, index + 1)).peerId
      await station(serviceTag, peer, { found: () => {} })
    }
    await until('the flood arrives', () => found.length >= 32, 5_000)
    expect(found.length).toBe(32)
  })

  test('closed interfaces fall silent, and come back', async () => {
    const serviceTag = tag()
    const found: Candidate[] = []
    const listener = new Mdns({
      serviceTag,
      peer: PEERS[0],
      addresses: () => [],
      found: (candidate) => found.push(candidate),
      known: () => true,
      noRoute: () => {},
      clock,
      random,
      log
    })
    stops.push(() => listener.stop())
    await listener.follow(loopback)
    await listener.follow([])
    await station(serviceTag, PEERS[1])
    expect(found).toEqual([])
    await listener.follow(loopback)
    await until('it hears again', () => found.length > 0, 3_000)
  })

  test('plain @libp2p/mdns reads our answers', () => {
    // Its sockets cannot be kept to loopback, so only its reading is used: handed one packet of ours.
    const discovered: string[] = []
    const service = plainMdns({ serviceTag: TAG })({
      addressManager: { getAddresses: () => [] },
      logger: { forComponent: () => Object.assign(() => {}, { error: () => {}, trace: () => {} }) }
    } as never)
    service.addEventListener('peer', ({ detail }) => discovered.push(detail.id.toString()))
    const reader = service as unknown as { _onMdnsResponse(packet: ResponsePacket): void }
    reader._onMdnsResponse(packet(answerFor(TAG, 'name', PEERS[0], ['/ip4/127.0.0.1/tcp/4001'])))
    expect(discovered).toEqual([PEERS[0]])
  })
})
