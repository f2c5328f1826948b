import type { StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, test } from 'vitest'
import { muxer } from './muxer.ts'

const stops: (() => unknown)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function node(streamMuxer: () => StreamMuxerFactory) {
  const made = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [streamMuxer]
  })
  stops.push(() => made.stop())
  return made
}

test('a connection that closes as a stream is opened on it fails the stream and nothing else', async () => {
  const uncaught: unknown[] = []
  const heard = (error: unknown): unknown => uncaught.push(error)
  process.on('uncaughtException', heard)
  stops.push(() => process.off('uncaughtException', heard))
  const made: { connection: Parameters<StreamMuxerFactory['createStreamMuxer']>[0]; streams: StreamMuxer }[] = []
  const near = await node(() => {
    const factory = muxer()()
    const create = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection) => {
      const streams = create(connection)
      made.push({ connection, streams })
      return streams
    }
    return factory
  })
  const far = await node(muxer())
  await near.dial(far.getMultiaddrs())
  const { connection, streams } = made[0] ?? expect.fail('no muxer was made')
  const opened = streams.createStream()
  // As it is between the last byte and the event that tells of the end.
  Object.assign(connection, { writeStatus: 'closed' })
  const stream = await opened
  connection.abort(new Error('hung up'))
  await expect.poll(() => stream.status, { timeout: 10_000 }).not.toBe('open')
  expect(uncaught).toEqual([])
})
