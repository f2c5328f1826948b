import { toHex } from '@brume/codec'
import type { Cancel, Channel, Clock, Net, PeerId } from '@brume/ports'
import {
  CLIENT_PROTOCOL,
  type ClientAnswer,
  type ClientRequest,
  decodeClientFrame,
  encodeClientAnswer,
  encodeClientRequest
} from '@brume/protocols/quorum'

/** Peers spoken with: beyond so many the one that was silent longest is forgotten, and what it has under way. */
const PEERS_MAX = 256

/** What one client may have under way, all groups together. */
const UNDER_WAY_MAX = 256

/** Requests a second from one client: a signature check of 0.1 ms each, so at most a fortieth of a core. */
const REQUESTS_PER_S = 256

/** Frames kept for a peer until the stream to it is open: a round trip. */
const UNSENT_MAX = 64

/** Members that can be asked at once, by all clients of this peer. */
const ASKED_MAX = 1_024

/** Serves the requests for one group. */
export interface Server {
  /** Tells answers until cancelled, or until it has told the last. */
  serve(request: ClientRequest, tell: (answer: ClientAnswer) => void): Cancel
}

/** Drops of this protocol's frames, by cause. */
export type DropCounter = (cause: 'client-malformed' | 'client-unwanted' | 'client-unsent') => void

interface Counterpart {
  second: number
  left: number
  /** By request number, how to stop answering it. */
  readonly underWay: Map<number, Cancel>
  /** Frames that wait for the stream to open. */
  readonly unsent: Uint8Array[]
}

interface Asked {
  readonly peer: PeerId
  readonly hear: (answer: ClientAnswer) => void
}

/**
 * The one channel of the client protocol, for both sides of it: requests of others go to the group they name,
 * answers to whoever asked. Nothing here is repaired: a client that hears nothing asks again.
 */
export class ClientLine {
  readonly #channel: Channel
  readonly #clock: Clock
  readonly #count: DropCounter
  readonly #servers = new Map<string, Server>()
  /** The one heard of last is at the end. */
  readonly #peers = new Map<PeerId, Counterpart>()
  readonly #asked = new Map<number, Asked>()
  #number = 0

  constructor(net: Net, clock: Clock, count: DropCounter) {
    this.#clock = clock
    this.#count = count
    this.#channel = net.channel(CLIENT_PROTOCOL, {
      frame: (from, body) => this.#frame(from, body),
      opened: (peer) => this.#opened(peer)
    })
  }

  serve(groupId: Uint8Array, server: Server): Cancel {
    const name = toHex(groupId)
    this.#servers.set(name, server)
    return () => void this.#servers.delete(name)
  }

  /** Asks one peer; `hear` gets every answer until cancelled. */
  ask(peer: PeerId, request: WithoutNumber, hear: (answer: ClientAnswer) => void): Cancel {
    const number = this.#nextNumber()
    this.#asked.set(number, { peer, hear })
    this.#send(peer, encodeClientRequest({ ...request, number }))
    return () => {
      if (!this.#asked.delete(number) || !this.#channel.isOpen(peer)) return
      if (request.type === 'order' || request.type === 'blocks') {
        this.#send(peer, encodeClientRequest({ type: 'forget', groupId: request.groupId, number }))
      }
    }
  }

  close(): void {
    for (const peer of [...this.#peers.keys()]) this.#forget(peer)
    this.#asked.clear()
    this.#channel.close()
  }

  #nextNumber(): number {
    if (this.#asked.size >= ASKED_MAX) for (const oldest of this.#asked.keys().take(1)) this.#asked.delete(oldest)
    this.#number = (this.#number + 1) % 0x1_0000_0000
    return this.#number
  }

  #frame(from: PeerId, body: Uint8Array): void {
    const frame = this.#decode(body)
    if ('request' in frame) return this.#serve(from, frame.request)
    const asked = this.#asked.get(frame.answer.number)
    if (asked?.peer !== from) return this.#count('client-unwanted')
    asked.hear(frame.answer)
  }

  /** A frame that does not decode ends the stream it came on. */
  #decode(body: Uint8Array): ReturnType<typeof decodeClientFrame> {
    try {
      return decodeClientFrame(body)
    } catch (error) {
      this.#count('client-malformed')
      throw error
    }
  }

  #serve(from: PeerId, request: ClientRequest): void {
    const { number } = request
    const client = this.#counterpart(from)
    client.underWay.get(number)?.()
    client.underWay.delete(number)
    if (request.type === 'forget') return
    const tell = (answer: ClientAnswer): void => this.#send(from, encodeClientAnswer(answer))
    const refuse = (code: string, message: string): void => tell({ type: 'refused', number, code, height: 0, message })
    const server = this.#servers.get(toHex(request.groupId))
    if (server === undefined) return refuse('NO_GROUP', 'this peer takes no part in the group')
    if (!this.#spend(client)) return refuse('RATE', `a client may ask ${REQUESTS_PER_S} times a second`)
    if (client.underWay.size >= UNDER_WAY_MAX) return refuse('RATE', `a client may have ${UNDER_WAY_MAX} under way`)
    client.underWay.set(number, () => {})
    const cancel = server.serve(request, (answer) => {
      if (isLast(answer)) client.underWay.delete(number)
      tell(answer)
    })
    if (client.underWay.has(number)) client.underWay.set(number, cancel)
  }

  #counterpart(peer: PeerId): Counterpart {
    const known = this.#peers.get(peer)
    const counterpart = known ?? { second: 0, left: 0, underWay: new Map<number, Cancel>(), unsent: [] }
    this.#peers.delete(peer)
    this.#peers.set(peer, counterpart)
    if (known !== undefined) return counterpart
    for (const oldest of this.#peers.keys().take(Math.max(0, this.#peers.size - PEERS_MAX))) this.#forget(oldest)
    this.#channel.connect(this.#peers.keys())
    return counterpart
  }

  #forget(peer: PeerId): void {
    for (const cancel of this.#peers.get(peer)?.underWay.values() ?? []) cancel()
    this.#peers.delete(peer)
  }

  #spend(client: Counterpart): boolean {
    const second = Math.floor(this.#clock.now() / 1_000)
    if (client.second !== second) client.left = REQUESTS_PER_S
    client.second = second
    client.left -= 1
    return client.left >= 0
  }

  #send(peer: PeerId, frame: Uint8Array): void {
    if (this.#channel.isOpen(peer)) {
      if (this.#channel.send(peer, frame) !== 'queued') this.#count('client-unsent')
      return
    }
    const { unsent } = this.#counterpart(peer)
    if (unsent.length >= UNSENT_MAX) return this.#count('client-unsent')
    unsent.push(frame)
  }

  #opened(peer: PeerId): void {
    for (const frame of this.#peers.get(peer)?.unsent.splice(0) ?? []) this.#send(peer, frame)
  }
}

/** A request before it has its number. */
export type WithoutNumber = ClientRequest extends infer Request
  ? Request extends ClientRequest
    ? Omit<Request, 'number'>
    : never
  : never

/** After an order's finality its attestation is still to come. */
function isLast({ type }: ClientAnswer): boolean {
  return type !== 'notarized' && type !== 'final'
}
