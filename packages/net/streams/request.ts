import type { Cancel, PeerId, RequestProtocol } from '@brume/ports'
import type { Connection, Stream } from '@libp2p/interface'
import { asError, NetError } from '../errors.ts'
import type { StreamsContext } from './channel.ts'
import { writeAll } from './drain.ts'
import { type FrameFault, FrameReader, packFrames } from './frames.ts'

/** Running requests per protocol and peer, on either side. */
const REQUESTS_PER_PEER_MAX = 16
/** A request that makes no progress for this long is given up by the side that serves it. */
const STALLED_MS = 10_000

type Answer = (from: PeerId, body: Uint8Array) => Promise<Uint8Array> | Uint8Array

/** Requests and answers, one stream each. */
export class Requests {
  readonly #context: StreamsContext
  /** `peer protocol` -> requests of ours that run there. */
  readonly #running = new Map<string, number>()
  readonly #queues = new Map<string, (() => void)[]>()

  constructor(context: StreamsContext) {
    this.#context = context
  }

  serve(protocol: RequestProtocol, answer: Answer): Cancel {
    const { host } = this.#context
    const running = new Map<PeerId, number>()
    void host.handle(protocol.id, (stream, connection) => this.#answer(protocol, answer, running, stream, connection), {
      maxInboundStreams: REQUESTS_PER_PEER_MAX,
      maxOutboundStreams: REQUESTS_PER_PEER_MAX
    })
    let served = true
    return () => {
      if (served) void host.unhandle(protocol.id).catch(() => {})
      served = false
    }
  }

  async request(peer: PeerId, protocol: RequestProtocol, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (body.length === 0 || body.length > protocol.requestBytesMax) throw tooLarge(protocol, body.length)
    const signal = AbortSignal.timeout(timeoutMs)
    const key = `${peer} ${protocol.id}`
    await this.#enter(key, signal)
    try {
      return await this.#ask(peer, protocol, body, signal)
    } catch (cause) {
      throw this.#explain(peer, protocol, signal, cause)
    } finally {
      this.#leave(key)
    }
  }

  async #ask(peer: PeerId, protocol: RequestProtocol, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const connection = this.#context.links.connection(peer)
    if (connection === undefined && this.#context.isBanned(peer)) {
      throw new NetError('BRUME_NET_BANNED', `${peer} is banned for now: ask another peer`)
    }
    if (connection === undefined) {
      throw new NetError('BRUME_NET_UNREACHABLE', `${peer} is not connected: wait for link.up, or ask another peer`)
    }
    const stream = await connection.newStream(protocol.id, { signal, maxOutboundStreams: REQUESTS_PER_PEER_MAX })
    try {
      const answer = oneFrame(stream, protocol.answerBytesMax, signal)
      await Promise.all([this.#send(stream, body, signal), answer])
      return await answer
    } catch (cause) {
      stream.abort(asError(cause))
      throw cause
    }
  }

  async #send(stream: Stream, body: Uint8Array, signal: AbortSignal): Promise<void> {
    await writeAll(stream, packFrames([body]), signal)
    await stream.close({ signal })
  }

  async #answer(
    protocol: RequestProtocol,
    answer: Answer,
    running: Map<PeerId, number>,
    stream: Stream,
    connection: Connection
  ): Promise<void> {
    const from = connection.remotePeer.toString()
    const count = running.get(from) ?? 0
    // A caller that resets its streams would otherwise start answers without end.
    if (count >= REQUESTS_PER_PEER_MAX) {
      stream.abort(new Error('too many requests at once'))
      return
    }
    running.set(from, count + 1)
    try {
      const body = await oneFrame(stream, protocol.requestBytesMax, AbortSignal.timeout(STALLED_MS))
      await this.#reply(protocol, stream, await answer(from, body))
    } catch (cause) {
      stream.abort(asError(cause))
      this.#context.metrics.frameErrors.inc({ protocol: protocol.id, reason: 'request' })
      this.#context.log.debug({ peer: from, protocol: protocol.id, cause: String(cause) }, 'a request was not answered')
    } finally {
      const left = (running.get(from) ?? 1) - 1
      if (left > 0) running.set(from, left)
      else running.delete(from)
    }
  }

  async #reply(protocol: RequestProtocol, stream: Stream, body: Uint8Array): Promise<void> {
    if (body.length === 0 || body.length > protocol.answerBytesMax) throw tooLarge(protocol, body.length)
    const packed = packFrames([body])
    await writeAll(stream, packed, AbortSignal.timeout(STALLED_MS))
    await stream.close({ signal: AbortSignal.timeout(STALLED_MS) })
  }

  /** More than the other side takes at once wait here, within their own deadline. */
  async #enter(key: string, signal: AbortSignal): Promise<void> {
    const running = this.#running.get(key) ?? 0
    if (running < REQUESTS_PER_PEER_MAX) {
      this.#running.set(key, running + 1)
      return
    }
    const queue = this.#queues.get(key) ?? []
    this.#queues.set(key, queue)
    await new Promise<void>((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', fail)
        resolve()
      }
      const fail = (): void => {
        queue.splice(queue.indexOf(go), 1)
        reject(
          new NetError('BRUME_NET_TIMEOUT', 'the request waited for its turn until its deadline: ask less at once')
        )
      }
      signal.addEventListener('abort', fail, { once: true })
      queue.push(go)
    })
  }

  #leave(key: string): void {
    const next = this.#queues.get(key)?.shift()
    if (next !== undefined) {
      next()
      return
    }
    this.#queues.delete(key)
    const left = (this.#running.get(key) ?? 1) - 1
    if (left > 0) this.#running.set(key, left)
    else this.#running.delete(key)
  }

  #explain(peer: PeerId, { id }: RequestProtocol, signal: AbortSignal, cause: unknown): NetError {
    if (cause instanceof NetError) return cause
    if (signal.aborted) {
      return new NetError(
        'BRUME_NET_TIMEOUT',
        `${peer} did not answer ${id} in time: try again, or ask another peer`,
        cause
      )
    }
    const name = cause instanceof Error ? cause.name : ''
    if (name === 'UnsupportedProtocolError') {
      return new NetError('BRUME_NET_UNREACHABLE', `${peer} does not serve ${id}: ask another peer`, cause)
    }
    return new NetError('BRUME_NET_STREAM_CLOSED', `the stream of ${id} with ${peer} broke off: try again`, cause)
  }
}

/** The one frame a side of a request stream carries. Rejects when the stream ends without it. */
async function oneFrame(stream: Stream, bytesMax: number, signal: AbortSignal): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  const reader = new FrameReader(bytesMax, resolve)
  const aborted = (): void => reject(signal.reason)
  const ended = (): void =>
    reject(new NetError('BRUME_NET_STREAM_CLOSED', 'the stream ended before its frame was whole: try again'))
  stream.addEventListener('message', ({ data }) => {
    const fault = reader.push(data.subarray())
    if (fault !== undefined) reject(badFrame(fault, bytesMax))
  })
  stream.addEventListener('end', ended)
  stream.addEventListener('close', ended)
  signal.addEventListener('abort', aborted)
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', aborted)
  }
}

function badFrame(fault: FrameFault, bytesMax: number): NetError {
  return new NetError(
    'BRUME_NET_FRAME_TOO_LARGE',
    `the peer sent a frame that is ${fault}, where 1 to ${bytesMax} bytes are taken: ask another peer`
  )
}

function tooLarge({ id, requestBytesMax, answerBytesMax }: RequestProtocol, length: number): NetError {
  return new NetError(
    'BRUME_NET_FRAME_TOO_LARGE',
    `${id} takes requests of 1 to ${requestBytesMax} and answers of 1 to ${answerBytesMax} bytes, not ${length}`
  )
}
