import { createHash } from 'node:crypto'
import { createRegistry } from '@brume/observe'
import type { ChannelProtocol, PeerId, RequestProtocol } from '@brume/ports'
import { afterEach, expect, test } from 'vitest'
import { clock, freshNetwork, isConnected, node, pair, pause, said, stopAll, until, wants } from './nodes.ts'
import { endProcesses, peerProcess } from './processes.ts'

const PROTOCOL: ChannelProtocol = { id: '/brume/test/1.0.0', class: 'data', frameBytesMax: 65_536 }
const ECHO: RequestProtocol = { id: '/brume/test-echo/1.0.0', requestBytesMax: 1_048_576, answerBytesMax: 1_048_576 }

afterEach(async () => {
  await stopAll()
  await endProcesses()
})

async function sendAll(
  channel: { send(peer: PeerId, body: Uint8Array): string },
  peer: PeerId,
  frames: Iterable<Uint8Array>
) {
  for (const frame of frames) {
    for (;;) {
      const result = channel.send(peer, frame)
      if (result === 'queued') break
      if (result === 'unreachable') throw new Error('the stream closed')
      await pause(1)
    }
  }
}

function* numbered(count: number): Iterable<Uint8Array> {
  for (let index = 0; index < count; index += 1) {
    const frame = Buffer.alloc(4 + ((index * 7_919) % 60_000), index)
    frame.writeUInt32BE(index)
    yield frame
  }
}

test('megabytes arrive whole, in order, and as the receiver keeps them', async () => {
  const [a, b] = await pair()
  const hash = createHash('sha256')
  const kept: Uint8Array[] = []
  let expected = 0
  let flushes = 0
  let largestBatch = 0
  let batch = 0
  b.channel(PROTOCOL, {
    frame: (from, body) => {
      expect(from).toBe(a.self)
      expect(Buffer.from(body).readUInt32BE()).toBe(expected)
      expected += 1
      batch += 1
      kept.push(body)
    },
    flush: () => {
      flushes += 1
      largestBatch = Math.max(largestBatch, batch)
      batch = 0
    }
  })
  const channel = a.channel(PROTOCOL, { frame: () => {} })
  channel.connect([b.self])
  await until('the stream opens', () => channel.isOpen(b.self))
  await sendAll(channel, b.self, numbered(1_000))
  await until('all arrive', () => expected === 1_000, 30_000)
  expect(flushes).toBeGreaterThan(0)
  expect(largestBatch).toBeLessThanOrEqual(64)
  const sent = createHash('sha256')
  for (const frame of numbered(1_000)) sent.update(frame)
  for (const frame of kept) hash.update(frame)
  expect(hash.digest('hex')).toBe(sent.digest('hex'))
})

test('two hundred thousand small frames arrive in order, in batches, although each turn takes only 64', async () => {
  const [a, b] = await pair()
  const COUNT = 200_000
  let expected = 0
  let wrong = 0
  b.channel(PROTOCOL, {
    frame: (_from, body) => {
      if (Buffer.from(body).readUInt32BE() !== expected) wrong += 1
      expected += 1
    }
  })
  let closed = 0
  const channel = a.channel(PROTOCOL, { frame: () => {}, closed: () => (closed += 1) })
  channel.connect([b.self])
  await until('the stream opens', () => channel.isOpen(b.self))
  for (let index = 0; index < COUNT && closed === 0; ) {
    const frame = Buffer.alloc(20)
    frame.writeUInt32BE(index)
    if (channel.send(b.self, frame) === 'queued') index += 1
    else await new Promise((resolve) => setImmediate(resolve))
  }
  await until('all arrive', () => expected === COUNT || closed > 0, 30_000)
  expect({ expected, wrong, closed }).toEqual({ expected: COUNT, wrong: 0, closed: 0 })
}, 40_000)

test('frames of one turn come in one batch', async () => {
  const [a, b] = await pair()
  let frames = 0
  const batches: number[] = []
  b.channel({ ...PROTOCOL, class: 'control' }, { frame: () => (frames += 1), flush: () => batches.push(frames) })
  const channel = a.channel({ ...PROTOCOL, class: 'control' }, { frame: () => {} })
  channel.connect([b.self])
  await until('the stream opens', () => channel.isOpen(b.self))
  for (let index = 0; index < 40; index += 1) channel.send(b.self, Buffer.alloc(200, index))
  await until('they arrive', () => frames === 40)
  await until('they are flushed', () => batches.at(-1) === 40)
  expect(batches).toEqual([40])
})

test('a slow reader holds the writer back', async () => {
  const network = freshNetwork()
  const a = await node(network)
  await a.start()
  const child = await peerProcess(network, 'none')
  a.want([{ peer: child.peer, addresses: child.addresses, priority: 'member' }])
  const slow: ChannelProtocol = { id: '/brume/test-slow/1.0.0', class: 'data', frameBytesMax: 65_536 }
  const channel = a.channel(slow, { frame: () => {} })
  channel.connect([child.peer])
  await until('the stream opens', () => channel.isOpen(child.peer))
  const frame = Buffer.alloc(50_000, 1)
  const count = 200
  const startMs = clock.now()
  let waits = 0
  for (let sent = 0; sent < count; ) {
    if (channel.send(child.peer, frame) === 'queued') sent += 1
    else {
      waits += 1
      await pause(1)
    }
  }
  // 10 MB at 10 MB/s, of which at most two windows, a queue and some buffers are in flight.
  expect(clock.now() - startMs).toBeGreaterThan(500)
  expect(waits).toBeGreaterThan(50)
  const counted: RequestProtocol = { id: '/brume/test-count/1.0.0', requestBytesMax: 16, answerBytesMax: 16 }
  const received = async () =>
    Number(Buffer.from(await a.request(child.peer, counted, Buffer.from('?'), { timeoutMs: 10_000 })))
  await until('all that was sent is received', async () => (await received()) === count)
}, 40_000)

test('a frame that is too long ends the stream, is counted, and the stream opens again', async () => {
  const [a, b] = await pair()
  const got: number[] = []
  b.channel({ ...PROTOCOL, frameBytesMax: 100 }, { frame: (_from, body) => got.push(body.length) })
  let closed = 0
  const channel = a.channel(PROTOCOL, { frame: () => {}, closed: () => (closed += 1) })
  channel.connect([b.self])
  await until('the stream opens', () => channel.isOpen(b.self))
  expect(channel.send(b.self, Buffer.alloc(101))).toBe('queued')
  await until('it is ended', () => closed === 1)
  expect(said.some(({ fields }) => 'reason' in fields && fields.reason === 'too-long')).toBe(true)
  await until('it opens again', () => channel.isOpen(b.self))
  channel.send(b.self, Buffer.alloc(100))
  await until('what fits arrives', () => got.length === 1)
  expect(channel.send(b.self, Buffer.alloc(65_537))).toBe('unreachable')
  expect(channel.send(b.self, Buffer.alloc(0))).toBe('unreachable')
})

test('a control queue that is full ends the stream; a data queue says so', async () => {
  const [a, b] = await pair()
  const control: ChannelProtocol = { id: '/brume/test-control/1.0.0', class: 'control', frameBytesMax: 65_536 }
  for (const protocol of [control, PROTOCOL]) b.channel(protocol, { frame: () => {} })
  let closed = 0
  const urgent = a.channel(control, { frame: () => {}, closed: () => (closed += 1) })
  const patient = a.channel(PROTOCOL, { frame: () => {} })
  for (const channel of [urgent, patient]) channel.connect([b.self])
  await until('both open', () => urgent.isOpen(b.self) && patient.isOpen(b.self))
  const frame = Buffer.alloc(16)
  const patientResults = new Set(Array.from({ length: 513 }, () => patient.send(b.self, frame)))
  const urgentResults = Array.from({ length: 1_025 }, () => urgent.send(b.self, frame))
  expect([...patientResults]).toEqual(['queued', 'full'])
  expect(urgentResults.at(-2)).toBe('queued')
  expect(urgentResults.at(-1)).toBe('unreachable')
  expect(closed).toBe(1)
  expect(a.links().find(({ peer }) => peer === b.self)?.slow).toBe(true)
  await until('it opens again', () => urgent.isOpen(b.self))
})

test('a channel follows its peers: opened, closed with the link, opened again', async () => {
  const [a, b] = await pair()
  b.channel(PROTOCOL, { frame: () => {} })
  const events: string[] = []
  const channel = a.channel(PROTOCOL, {
    frame: () => {},
    opened: () => events.push('opened'),
    closed: () => events.push('closed')
  })
  channel.connect([b.self])
  await until('it opens', () => events.length === 1)
  b.drop(a.self)
  await until('it opens again', () => events.length === 3)
  channel.connect([])
  expect(channel.isOpen(b.self)).toBe(false)
  expect(events).toEqual(['opened', 'closed', 'opened', 'closed'])
})

test('a channel that the peer adds later opens by itself', async () => {
  const [a, b] = await pair()
  const channel = a.channel(PROTOCOL, { frame: () => {} })
  channel.connect([b.self])
  await pause(300)
  const late = b.channel(PROTOCOL, { frame: () => {} })
  late.connect([a.self])
  await until('both open', () => channel.isOpen(b.self) && late.isOpen(a.self))
})

test('requests are answered, time out, and fail with codes', async () => {
  const [a, b] = await pair()
  const slow = { ...ECHO, id: '/brume/test-never/1.0.0' }
  b.serve(ECHO, (_from, body) => body)
  b.serve(slow, () => new Promise<Uint8Array>(() => {}))
  const body = Buffer.alloc(700_000, 3)
  expect(Buffer.from(await a.request(b.self, ECHO, body, { timeoutMs: 10_000 })).equals(body)).toBe(true)
  const code = (promise: Promise<unknown>) => promise.then(String, (error: { code: string }) => error.code)
  expect(await code(a.request(b.self, slow, body, { timeoutMs: 300 }))).toBe('BRUME_NET_TIMEOUT')
  expect(await code(a.request(b.self, { ...ECHO, requestBytesMax: 10 }, body, { timeoutMs: 300 }))).toBe(
    'BRUME_NET_FRAME_TOO_LARGE'
  )
  expect(await code(a.request(b.self, { ...ECHO, answerBytesMax: 10 }, body, { timeoutMs: 5_000 }))).toBe(
    'BRUME_NET_FRAME_TOO_LARGE'
  )
  expect(await code(a.request(b.self, { ...ECHO, id: '/brume/test-nobody/1.0.0' }, body, { timeoutMs: 5_000 }))).toBe(
    'BRUME_NET_UNREACHABLE'
  )
  expect(await code(a.request(a.self, ECHO, body, { timeoutMs: 300 }))).toBe('BRUME_NET_UNREACHABLE')
})

test('a hundred failing requests leave no stream behind', async () => {
  const network = freshNetwork()
  const registry = createRegistry()
  const [a, b] = await Promise.all([node(network, { registry }), node(network)])
  await Promise.all([a.start(), b.start()])
  wants(a, b)
  await until('they connect', () => isConnected(a, b))
  const failing = { ...ECHO, id: '/brume/test-failing/1.0.0' }
  b.serve(failing, () => {
    throw new Error('no')
  })
  const results = await Promise.allSettled(
    Array.from({ length: 100 }, () => a.request(b.self, failing, Buffer.from('x'), { timeoutMs: 10_000 }))
  )
  expect(results.every(({ status }) => status === 'rejected')).toBe(true)
  const open = async () => {
    const streams = await registry.getSingleMetric('brume_net_streams')?.get()
    return streams?.values.map(({ labels }) => labels.protocol) ?? []
  }
  // A channel opened after them shows that a count is of the time after them.
  b.channel(PROTOCOL, { frame: () => {} }).connect([a.self])
  a.channel(PROTOCOL, { frame: () => {} }).connect([b.self])
  await until('the streams were counted after that', async () => (await open()).includes(PROTOCOL.id))
  expect(await open()).not.toContain(failing.id)
})
