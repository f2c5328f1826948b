import type { Socket } from 'node:dgram'
import type { Cancel, Clock, Log, Random } from '@brume/ports'
import type { MulticastDNS, QueryPacket, ResponsePacket } from 'multicast-dns'
import { Subnets } from '../addresses/subnets.ts'
import type { InterfaceAddress } from './interfaces.ts'
import { mdnsOn, multicastSocket } from './multicast.ts'
import { answerFor, type Candidate, readAnswer } from './packets.ts'

/** Questions come fast while a network forms, then rarely. */
const QUERY_FIRST_MS = 1_000
const QUERY_FAST_FOR_MS = 10_000
const QUERY_THEN_MS = 30_000
const QUERY_JITTER = 0.2
/** One answer reaches everyone who asked within this time. */
const ANSWER_GAP_MS = 250
/** New candidates in one window: an impostor must not fill the table faster than it empties. */
const CANDIDATES_PER_WINDOW = 32
const CANDIDATE_WINDOW_MS = 10_000

export interface MdnsOptions {
  /** `_brume-<net8>._udp.local`: another network has another tag. */
  readonly serviceTag: string
  readonly peer: string
  /** Addresses to tell on this interface. */
  readonly addresses: (on: InterfaceAddress) => readonly string[]
  readonly found: (candidate: Candidate) => void
  readonly known: (peer: string) => boolean
  /** Every interface refused to send; told once. */
  readonly noRoute: (cause: Error) => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

interface Station {
  readonly on: InterfaceAddress
  readonly mdns: MulticastDNS
  readonly openedMs: number
  answeredMs: number
  failed: boolean
  cancelQuery: Cancel
  cancelAnswer: Cancel | undefined
}

/**
 * Finds peers by multicast DNS in libp2p's format, with one socket per IPv4 interface. Each socket
 * sends through its own interface and no other, so it works without a default route and never
 * touches an interface it was not given. Unauthenticated: candidates are hints.
 */
export class Mdns {
  readonly #options: MdnsOptions
  readonly #name: string
  readonly #stations = new Map<string, Station>()
  #windowStartMs = 0
  #windowCount = 0
  #warned = false

  constructor(options: MdnsOptions) {
    this.#options = options
    this.#name = Buffer.from(options.random.bytes(20)).toString('hex')
  }

  /** Makes the set of interfaces this one: sockets of new ones open, of gone ones close. */
  async follow(interfaces: readonly InterfaceAddress[]): Promise<void> {
    const wanted = new Map(interfaces.filter(({ family }) => family === 4).map((on) => [on.cidr, on]))
    for (const [cidr, station] of this.#stations) {
      if (!wanted.has(cidr)) this.#close(cidr, station)
    }
    await Promise.all([...wanted.values()].filter(({ cidr }) => !this.#stations.has(cidr)).map((on) => this.#open(on)))
  }

  stop(): void {
    for (const [cidr, station] of this.#stations) this.#close(cidr, station)
  }

  async #open(on: InterfaceAddress): Promise<void> {
    try {
      const socket = await multicastSocket(on.address)
      this.#station(on, socket)
    } catch (cause) {
      this.#options.log.warn({ interface: on.name, address: on.address, cause }, 'mdns cannot use an interface')
    }
  }

  #station(on: InterfaceAddress, socket: Socket): void {
    if (this.#stations.has(on.cidr)) {
      socket.close()
      return
    }
    const mdns = mdnsOn(socket, this.#options.serviceTag)
    const station: Station = {
      on,
      mdns,
      openedMs: this.#options.clock.now(),
      answeredMs: Number.NEGATIVE_INFINITY,
      failed: false,
      cancelQuery: () => {},
      cancelAnswer: undefined
    }
    this.#stations.set(on.cidr, station)
    const subnet = new Subnets([on.cidr])
    mdns.on('query', (packet, from) => subnet.has(from.address) && this.#asked(station, packet))
    mdns.on('response', (packet, from) => subnet.has(from.address) && this.#answered(packet))
    mdns.on('warning', (cause) => this.#options.log.debug({ cause: String(cause) }, 'mdns packet ignored'))
    mdns.on('error', (cause) => this.#options.log.warn({ interface: on.name, cause }, 'mdns socket failed'))
    this.#answer(station)
    this.#ask(station)
  }

  #ask(station: Station): void {
    const { clock, random, serviceTag } = this.#options
    station.mdns.query({ questions: [{ name: serviceTag, type: 'PTR' }] }, (error) => this.#sent(station, error))
    const fast = clock.now() - station.openedMs < QUERY_FAST_FOR_MS
    const jitter = 1 + QUERY_JITTER * (2 * random.float() - 1)
    station.cancelQuery = clock.after(fast ? QUERY_FIRST_MS : QUERY_THEN_MS * jitter, () => this.#ask(station))
  }

  #asked(station: Station, packet: QueryPacket): void {
    if (!packet.questions?.some(({ name }) => name === this.#options.serviceTag)) return
    if (station.cancelAnswer !== undefined) return
    const waitMs = station.answeredMs + ANSWER_GAP_MS - this.#options.clock.now()
    if (waitMs <= 0) {
      this.#answer(station)
      return
    }
    station.cancelAnswer = this.#options.clock.after(waitMs, () => {
      station.cancelAnswer = undefined
      this.#answer(station)
    })
  }

  #answer(station: Station): void {
    const { serviceTag, peer, addresses, clock } = this.#options
    const told = addresses(station.on)
    if (told.length === 0) return
    station.answeredMs = clock.now()
    station.mdns.respond(answerFor(serviceTag, this.#name, peer, told), (error) => this.#sent(station, error))
  }

  #answered(packet: ResponsePacket): void {
    const { serviceTag, peer, known, found } = this.#options
    const candidate = readAnswer(packet, serviceTag, this.#name)
    if (candidate === undefined || candidate.peer === peer) return
    if (known(candidate.peer) || this.#admit()) found(candidate)
  }

  #admit(): boolean {
    const now = this.#options.clock.now()
    if (now - this.#windowStartMs > CANDIDATE_WINDOW_MS) {
      this.#windowStartMs = now
      this.#windowCount = 0
    }
    this.#windowCount += 1
    return this.#windowCount <= CANDIDATES_PER_WINDOW
  }

  #sent(station: Station, error: Error | null | undefined): void {
    station.failed = Boolean(error)
    if (!error || this.#warned || [...this.#stations.values()].some(({ failed }) => !failed)) return
    this.#warned = true
    this.#options.noRoute(error)
  }

  #close(cidr: string, station: Station): void {
    this.#stations.delete(cidr)
    station.cancelQuery()
    station.cancelAnswer?.()
    station.mdns.destroy()
  }
}
