import type { StreamMuxerFactory } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'

/** Longest a stream may hold unread: above the window, else a paused stream resets (libp2p.md 13.2). */
const READ_BUFFER_BYTES_MAX = 1_114_112
const WRITE_BUFFER_BYTES_MAX = 2_097_152
const STREAMS_MAX = 128

type YamuxMuxer = ReturnType<ReturnType<ReturnType<typeof yamux>>['createStreamMuxer']>

/** What libp2p builds its connections' muxers by. */
export function muxer(): () => StreamMuxerFactory {
  const build = yamux({
    maxInboundStreams: STREAMS_MAX,
    maxOutboundStreams: STREAMS_MAX,
    maxEarlyStreams: 8,
    enableKeepAlive: true,
    // TCP sockets close after 120 s of silence.
    keepAliveInterval: 30_000,
    streamOptions: {
      // The least yamux accepts.
      initialStreamWindowSize: 262_144,
      maxStreamWindowSize: 1_048_576,
      maxReadBufferLength: READ_BUFFER_BYTES_MAX,
      maxWriteBufferLength: WRITE_BUFFER_BYTES_MAX
    }
  })
  return () => {
    const factory = build()
    const create = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection) => silentOnceClosed(create(connection))
    return factory
  }
}

/** What yamux keeps to itself: whether the connection takes more at once. */
interface Framed {
  sendFrame(header: unknown, data?: unknown): boolean
}

/**
 * yamux says in a microtask that it opened a stream, and where the connection closed in between that throws where nobody can
 * catch it: any peer that hangs up at the right moment would end this process. A frame for a closed connection is
 * dropped instead, as if it were full; the connection's end, which comes with the next event, ends its streams.
 */
function silentOnceClosed(muxer: YamuxMuxer): YamuxMuxer {
  const framed = muxer as unknown as Framed
  const send = framed.sendFrame.bind(muxer)
  framed.sendFrame = (header, data) => {
    try {
      return send(header, data)
    } catch (error) {
      if (error instanceof Error && error.name === 'StreamStateError') return false
      throw error
    }
  }
  return muxer
}
