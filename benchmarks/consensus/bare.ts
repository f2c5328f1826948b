import { Reader, Writer } from '@brume/codec'
import { type Identity, SIGNATURE_BYTES, sha256, verify } from '@brume/crypto'
import type { Channel, ChannelProtocol, Net, PeerId } from '@brume/ports'
import { bodyOf, makeBlock } from '@brume/protocols/quorum'
import { monotonicMs } from '../harness/clock.ts'
import { COMMAND_BYTES, type Stamp, type Stamps } from './plan.ts'

const PROTOCOL: ChannelProtocol = { id: '/brume/bench-bare/1.0.0', class: 'control', frameBytesMax: 4_096 }

const FRAME = { propose: 1, notarize: 2, finalize: 3, lone: 4 } as const
type VoteKind = typeof FRAME.notarize | typeof FRAME.finalize

const DIGEST_BYTES = 32
/** Exchanges follow each other by 100 ms and last a tenth of that; older ones are over. */
const OPEN_MAX = 64
/** A lone frame is as long as a vote. */
const LONE_PADDING_BYTES = DIGEST_BYTES + SIGNATURE_BYTES

interface Vote {
  readonly signer: number
  readonly signature: Uint8Array
}

interface Exchange {
  digest: Uint8Array | null
  readonly notarize: Vote[]
  readonly finalize: Vote[]
  notarized: boolean
  final: boolean
}

/**
 * The least that three rounds of agreement can cost on this network: one broadcast of a signed proposal and
 * two all-to-all rounds of signed votes to q, over the same channels as the quorum's own. Signatures are
 * made, and checked when there are enough of them, as there; there is no reducer, codec, program or journal.
 */
export class BareExchange {
  readonly #identity: Identity
  readonly #members: readonly Identity[]
  readonly #self: number
  readonly #quorum: number
  readonly #channel: Channel
  readonly #exchanges = new Map<number, Exchange>()
  #started: Stamp[] = []
  #notarized: Stamp[] = []
  #final: Stamp[] = []
  #loneMs: number[] = []

  /** @param quorum - votes that decide, the own one included */
  constructor(net: Net, members: readonly Identity[], self: Identity, quorum: number) {
    this.#identity = self
    this.#members = members
    this.#self = members.indexOf(self)
    this.#quorum = quorum
    this.#channel = net.channel(PROTOCOL, { frame: (from, body) => this.#frame(from, new Reader(body)) })
  }

  connect(): void {
    this.#channel.connect(this.#others())
  }

  get isConnected(): boolean {
    return this.#others().every((peer) => this.#channel.isOpen(peer))
  }

  /** Begins an exchange as its leader. */
  lead(number: number): void {
    this.#started.push([String(number), monotonicMs()])
    const body = proposalBody(number)
    const digest = sha256(body)
    const signature = this.#sign(FRAME.notarize, number, digest)
    this.#toAll(new Writer(1_024).u8(FRAME.propose).u32(number).bytes(signature).bytes(body).finish())
    const exchange = this.#exchange(number)
    exchange.digest = digest
    exchange.notarize.push({ signer: this.#self, signature })
    this.#advance(number, exchange)
  }

  /** Sends one unsigned frame to the next member. */
  sendLone(): void {
    const to = this.#members[(this.#self + 1) % this.#members.length]
    if (to === undefined) return
    const sentNs = Math.round(monotonicMs() * 1e6)
    this.#channel.send(
      to.peerId,
      new Writer(128).u8(FRAME.lone).u64(sentNs).bytes(new Uint8Array(LONE_PADDING_BYTES)).finish()
    )
  }

  /** What was stamped since the call before. */
  take(): Stamps & { readonly loneMs: readonly number[] } {
    const taken = { started: this.#started, notarized: this.#notarized, final: this.#final, loneMs: this.#loneMs }
    this.#started = []
    this.#notarized = []
    this.#final = []
    this.#loneMs = []
    return taken
  }

  close(): void {
    this.#channel.close()
  }

  #others(): readonly PeerId[] {
    return this.#members.filter((_, index) => index !== this.#self).map(({ peerId }) => peerId)
  }

  #toAll(frame: Uint8Array): void {
    for (const peer of this.#others()) this.#channel.send(peer, frame)
  }

  #frame(from: PeerId, reader: Reader): void {
    const kind = reader.u8()
    if (kind === FRAME.lone) {
      this.#loneMs.push(monotonicMs() - reader.u64() / 1e6)
      return
    }
    const number = reader.u32()
    const signer = this.#members.findIndex(({ peerId }) => peerId === from)
    const vote: Vote = { signer, signature: reader.bytes(SIGNATURE_BYTES) }
    const exchange = this.#exchange(number)
    if (kind === FRAME.propose) {
      exchange.digest = sha256(reader.rest())
      exchange.notarize.push(vote)
      this.#vote(FRAME.notarize, number, exchange)
    } else exchange[kind === FRAME.notarize ? 'notarize' : 'finalize'].push(vote)
    this.#advance(number, exchange)
  }

  #advance(number: number, exchange: Exchange): void {
    if (!exchange.notarized && this.#isCertain(FRAME.notarize, number, exchange)) {
      exchange.notarized = true
      this.#notarized.push([String(number), monotonicMs()])
      this.#vote(FRAME.finalize, number, exchange)
    }
    if (exchange.notarized && !exchange.final && this.#isCertain(FRAME.finalize, number, exchange)) {
      exchange.final = true
      this.#final.push([String(number), monotonicMs()])
    }
  }

  #vote(kind: VoteKind, number: number, exchange: Exchange): void {
    if (exchange.digest === null) return
    const signature = this.#sign(kind, number, exchange.digest)
    this.#toAll(new Writer(128).u8(kind).u32(number).bytes(signature).bytes(exchange.digest).finish())
    exchange[kind === FRAME.notarize ? 'notarize' : 'finalize'].push({ signer: this.#self, signature })
  }

  /** q votes are there and their signatures hold; the own one need not be checked. */
  #isCertain(kind: VoteKind, number: number, exchange: Exchange): boolean {
    const { digest } = exchange
    const votes = exchange[kind === FRAME.notarize ? 'notarize' : 'finalize']
    if (digest === null || votes.length < this.#quorum) return false
    const message = statement(kind, number, digest)
    return votes
      .slice(0, this.#quorum)
      .every(({ signer, signature }) => signer === this.#self || this.#verify(signer, message, signature))
  }

  #verify(signer: number, message: Uint8Array, signature: Uint8Array): boolean {
    const key = this.#members[signer]?.publicKey
    return key !== undefined && verify(key, message, signature)
  }

  #sign(kind: VoteKind, number: number, digest: Uint8Array): Uint8Array {
    return this.#identity.sign(statement(kind, number, digest))
  }

  #exchange(number: number): Exchange {
    const known = this.#exchanges.get(number)
    if (known !== undefined) return known
    const made: Exchange = { digest: null, notarize: [], finalize: [], notarized: false, final: false }
    this.#exchanges.set(number, made)
    if (this.#exchanges.size > OPEN_MAX)
      for (const oldest of this.#exchanges.keys().take(1)) this.#exchanges.delete(oldest)
    return made
  }
}

function statement(kind: VoteKind, number: number, digest: Uint8Array): Uint8Array {
  return new Writer(64).u8(kind).u32(number).bytes(digest).finish()
}

/** As long as a block of one command, so that the first hop carries what the quorum's does. */
const PROPOSAL_BYTES = (() => {
  const none = new Uint8Array(DIGEST_BYTES)
  const place = {
    groupId: none,
    epoch: 0,
    view: 1_000,
    height: 1_000,
    parentView: 999,
    parent: '00'.repeat(DIGEST_BYTES)
  }
  const block = makeBlock(place, 1.8e12, [{ id: '', bytes: new Uint8Array(COMMAND_BYTES) }])
  const { header, payload } = bodyOf(block)
  return header.length + payload.length
})()

function proposalBody(number: number): Uint8Array {
  return new Writer(PROPOSAL_BYTES)
    .u32(number)
    .bytes(new Uint8Array(PROPOSAL_BYTES - 4))
    .finish()
}
