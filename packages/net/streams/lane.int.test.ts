import type { Stream } from '@libp2p/interface'
import { afterEach, expect, test } from 'vitest'
import { host, stopHosts } from '../test/hosts.ts'
import { pause, until } from '../test/nodes.ts'
import { Turn } from '../turn.ts'
import { FrameReader, WRITE_BYTES_MAX } from './frames.ts'
import { LANE_LIMITS, Lane } from './lane.ts'

afterEach(stopHosts)

const FRAME_BYTES = 60_000
const FRAMES = 867

async function lanePair(): Promise<{ lane: Lane; stream: Stream; inbound: Stream }> {
  const [a, b] = await Promise.all([host(), host()])
  let inbound: Stream | undefined
  await b.handle('/test/lane/1.0.0', (stream) => {
    inbound = stream
  })
  const connection = await a.dial(b.getMultiaddrs())
  const stream = await connection.newStream('/test/lane/1.0.0')
  await until('the stream is accepted', () => inbound !== undefined)
  const lane = new Lane({ limits: LANE_LIMITS.data, turn: new Turn(), sent: () => {} })
  lane.attach(stream)
  if (inbound === undefined) throw new Error('no inbound stream')
  return { lane, stream, inbound }
}

test('52 MB to a slow reader: the stream never holds more than 256 KiB and a frame', async () => {
  const { lane, stream, inbound } = await lanePair()
  let received = 0
  let expected = 0
  const reader = new FrameReader(FRAME_BYTES, (body) => {
    if (Buffer.from(body).readUInt32BE() !== expected++) throw new Error('out of order')
    received += body.length
  })
  let sincePause = 0
  inbound.addEventListener('message', ({ data }) => {
    const bytes = data.subarray()
    reader.push(bytes)
    sincePause += bytes.length
    if (sincePause < 524_288) return
    sincePause = 0
    // Not inside the dispatch that `resume` makes: see Inlet.
    queueMicrotask(() => {
      if (inbound.readStatus === 'readable') inbound.pause()
    })
    setTimeout(() => {
      if (inbound.readStatus === 'paused') inbound.resume()
    }, 20)
  })
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, stream.writeBufferLength)
  }, 1)
  for (let index = 0; index < FRAMES; ) {
    const frame = Buffer.alloc(FRAME_BYTES)
    frame.writeUInt32BE(index)
    if (lane.push(frame) === 'queued') index += 1
    else await pause(1)
    most = Math.max(most, stream.writeBufferLength)
  }
  await until('all arrives', () => received === FRAMES * FRAME_BYTES, 40_000)
  clearInterval(watch)
  expect(most).toBeLessThanOrEqual(262_144 + FRAME_BYTES)
  expect(inbound.status).toBe('open')
}, 60_000)

test('a reader that stops at a full window is not reset, and gets everything when it goes on', async () => {
  const { lane, stream, inbound } = await lanePair()
  let received = 0
  inbound.addEventListener('message', ({ data }) => {
    received += data.byteLength
  })
  inbound.pause()
  const frame = Buffer.alloc(FRAME_BYTES, 1)
  let queued = 0
  while (lane.push(frame) === 'queued') queued += 1
  await pause(500)
  while (lane.push(frame) === 'queued') queued += 1
  expect(stream.status).toBe('open')
  expect(stream.writeBufferLength).toBeLessThanOrEqual(2 * WRITE_BYTES_MAX)
  inbound.resume()
  await until('all arrives', () => received === queued * (FRAME_BYTES + 4), 20_000)
}, 40_000)
