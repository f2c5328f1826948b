import type { Cancel, PeerId, RequestProtocol } from '@brume/ports'
import { SimNetError, type SimNetErrorCode } from './errors.ts'
import type { SimNode } from './sim-node.ts'

export type Answer = (from: PeerId, body: Uint8Array) => Promise<Uint8Array> | Uint8Array

/** Requests of one protocol that run to one peer at a time; more wait within their deadline. */
const REQUESTS_PER_PEER_MAX = 16
/** Negotiation and frame of a stream that carries nothing else. */
const OVERHEAD_BYTES = 40

interface Asked {
  readonly peer: PeerId
  readonly protocol: RequestProtocol
  readonly body: Uint8Array
  readonly settle: (result: Uint8Array | SimNetError) => void
  isOver: boolean
  isRunning: boolean
}

/** Requests and answers of one node. A request costs one and a half round trips, as a new stream does. */
export class Requests {
  readonly #node: SimNode
  readonly #served = new Map<string, { readonly protocol: RequestProtocol; readonly answer: Answer }>()
  readonly #asked = new Set<Asked>()

  constructor(node: SimNode) {
    this.#node = node
  }

  serve(protocol: RequestProtocol, answer: Answer): Cancel {
    if (this.#served.has(protocol.id)) throw new Error(`${protocol.id} is served already: cancel that first`)
    const entry = { protocol, answer }
    this.#served.set(protocol.id, entry)
    return () => {
      if (this.#served.get(protocol.id) === entry) this.#served.delete(protocol.id)
    }
  }

  request(peer: PeerId, protocol: RequestProtocol, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    if (body.length === 0 || body.length > protocol.requestBytesMax) {
      reject(
        failure('BRUME_NET_FRAME_TOO_LARGE', `a request of ${protocol.id} has 1 to ${protocol.requestBytesMax} bytes`)
      )
      return promise
    }
    const cancel = this.#node.world.clock.after(timeoutMs, () =>
      asked.settle(failure('BRUME_NET_TIMEOUT', `${peer} did not answer within ${timeoutMs} ms`))
    )
    const settle = (result: Uint8Array | SimNetError): void => {
      if (asked.isOver) return
      asked.isOver = true
      this.#asked.delete(asked)
      cancel()
      if (result instanceof SimNetError) reject(result)
      else resolve(result)
      this.#startNext(peer, protocol)
    }
    const asked: Asked = { peer, protocol, body: body.slice(), settle, isOver: false, isRunning: false }
    this.#asked.add(asked)
    this.#startNext(peer, protocol)
    return promise
  }

  lost(peer: PeerId): void {
    for (const asked of [...this.#asked]) {
      if (asked.peer === peer) asked.settle(failure('BRUME_NET_STREAM_CLOSED', `the connection to ${peer} closed`))
    }
  }

  end(): void {
    this.#served.clear()
    for (const asked of [...this.#asked]) asked.settle(failure('BRUME_NET_STREAM_CLOSED', 'this peer was stopped'))
  }

  #startNext(peer: PeerId, protocol: RequestProtocol): void {
    const same = [...this.#asked].filter((asked) => asked.peer === peer && asked.protocol.id === protocol.id)
    const running = same.filter(({ isRunning }) => isRunning).length
    const next = same.find(({ isRunning }) => !isRunning)
    if (running < REQUESTS_PER_PEER_MAX && next !== undefined) this.#run(next)
  }

  #run(asked: Asked): void {
    asked.isRunning = true
    const { self } = this.#node
    const connection = this.#node.connection(asked.peer)
    if (connection === undefined) {
      asked.settle(failure('BRUME_NET_UNREACHABLE', `${asked.peer} is not connected`))
      return
    }
    const respond = (result: Uint8Array | SimNetError): void => {
      const bytes = result instanceof SimNetError ? 0 : result.length
      if (!connection.isOpen) return
      connection.outgoing(asked.peer).write(bytes + OVERHEAD_BYTES, () => asked.settle(result))
    }
    connection.outgoing(self).write(asked.body.length + OVERHEAD_BYTES, () => {
      connection.other(self).requests.#take(self, asked.protocol.id, asked.body, respond)
    })
  }

  #take(from: PeerId, id: string, body: Uint8Array, respond: (result: Uint8Array | SimNetError) => void): void {
    const served = this.#served.get(id)
    if (served === undefined || body.length > served.protocol.requestBytesMax) {
      return respond(failure('BRUME_NET_STREAM_CLOSED', `${this.#node.self} does not take this request of ${id}`))
    }
    const closed = (): void =>
      respond(failure('BRUME_NET_STREAM_CLOSED', `${this.#node.self} ended ${id} with an error`))
    const answered = (answer: Uint8Array): void => {
      if (answer.length === 0 || answer.length > served.protocol.answerBytesMax) closed()
      else respond(answer.slice())
    }
    try {
      const answer = served.answer(from, body)
      // A synchronous answer stays synchronous, so that a simulation needs no promise to settle.
      if (answer instanceof Uint8Array) answered(answer)
      else answer.then(answered, closed)
    } catch {
      closed()
    }
  }
}

const failure = (code: SimNetErrorCode, message: string): SimNetError => new SimNetError(code, message)
