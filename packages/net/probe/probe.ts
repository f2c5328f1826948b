import type { Cancel, Clock, Log, Random } from '@brume/ports'
import type { Connection, Stream } from '@libp2p/interface'
import { asError } from '../errors.ts'
import type { Host } from '../host/libp2p.ts'
import type { Links } from '../links.ts'
import type { NetMetrics } from '../metrics.ts'
import type { LoopLag } from '../staying/loop-lag.ts'
import { openSeldom } from '../streams/window.ts'
import { afterIo } from '../turn.ts'
import { decodeProbe, encodeProbe, FixedReader, PROBE_BYTES } from './frame.ts'
import { asked, echoed, isDead, type Liveness, NO_LIVENESS, rttMinMs } from './liveness.ts'

const PROBE_PROTOCOL = '/brume/probe/1.0.0'

const ASK_MS = 5_000
const ASK_JITTER = 0.2
const OPEN_TIMEOUT_MS = 5_000
/** Asks a peer may send in a second; an honest one sends one in five. More is a flood we would answer. */
const ASKS_PER_SECOND_MAX = 10

interface ProbesOptions {
  readonly host: Host
  readonly links: Links
  readonly lag: LoopLag
  /** An echo came, with the lag the peer reported. */
  readonly echo: (peer: string, lagMs: number) => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: NetMetrics
}

/** Asks every connected peer over one long-lived stream per connection whether it is there (libp2p.md 6). */
export class Probes {
  readonly #probes = new Map<Connection, Probe>()

  constructor(options: ProbesOptions) {
    const { host } = options
    void host.handle(PROBE_PROTOCOL, (stream) => answerProbes(stream, options), {
      maxInboundStreams: 2,
      maxOutboundStreams: 2
    })
    host.addEventListener('connection:open', ({ detail }) => this.#probes.set(detail, new Probe(detail, options)))
    host.addEventListener('connection:close', ({ detail }) => {
      this.#probes.get(detail)?.stop()
      this.#probes.delete(detail)
    })
  }

  /** Once a second: ends what has been silent for too long. */
  check(): void {
    for (const probe of this.#probes.values()) probe.check()
  }

  stop(): void {
    for (const probe of this.#probes.values()) probe.stop()
    this.#probes.clear()
  }
}

class Probe {
  readonly #connection: Connection
  readonly #options: ProbesOptions
  readonly #reader = new FixedReader(PROBE_BYTES, (bytes) => this.#received(bytes))
  #liveness: Liveness = NO_LIVENESS
  #stream: Stream | undefined
  #nonce: bigint
  #stopped = false
  #cancelAsk: Cancel

  constructor(connection: Connection, options: ProbesOptions) {
    this.#connection = connection
    this.#options = options
    this.#nonce = Buffer.from(options.random.bytes(8)).readBigUInt64BE()
    // The first at once: latency is wanted early.
    this.#cancelAsk = options.clock.after(0, () => void this.#ask())
  }

  stop(): void {
    this.#stopped = true
    this.#cancelAsk()
  }

  check(): void {
    if (!this.#isDead()) return
    // What the kernel holds for us may be the echo: look again once it has been read.
    afterIo(() => {
      if (this.#stopped || !this.#isDead()) return
      this.#options.metrics.probeLost.inc()
      this.#options.log.info({ peer: this.#connection.remotePeer.toString() }, 'no echo: connection ended')
      this.#connection.abort(new Error('no probe echo'))
    })
  }

  #isDead(): boolean {
    return isDead(this.#liveness, this.#options.clock.now(), this.#options.lag.stalledMs)
  }

  async #ask(): Promise<void> {
    const { clock, random, lag } = this.#options
    const delayMs = ASK_MS * (1 + ASK_JITTER * (2 * random.float() - 1))
    this.#cancelAsk = clock.after(delayMs, () => void this.#ask())
    this.#nonce = BigInt.asUintN(64, this.#nonce + 1n)
    this.#liveness = asked(this.#liveness, this.#nonce, clock.now(), lag.stalledMs)
    try {
      const stream = await this.#open()
      if (stream.writableNeedsDrain || this.#stopped) return
      // Opening took a while the first time; the round trip starts now.
      this.#liveness = asked(this.#liveness, this.#nonce, clock.now(), lag.stalledMs)
      stream.send(encodeProbe({ kind: 'ask', lagMs: lag.recentMs, nonce: this.#nonce }))
    } catch (cause) {
      this.#options.log.debug({ cause: String(cause) }, 'probe stream did not open')
    }
  }

  async #open(): Promise<Stream> {
    if (this.#stream?.status === 'open') return this.#stream
    const signal = AbortSignal.timeout(OPEN_TIMEOUT_MS)
    const stream = await this.#connection.newStream(PROBE_PROTOCOL, { signal, maxOutboundStreams: 2 })
    openSeldom(stream)
    stream.addEventListener('message', ({ data }) => this.#reader.push(data.subarray()))
    this.#stream = stream
    return stream
  }

  #received(bytes: Uint8Array): void {
    const frame = decodeProbe(bytes)
    if (frame?.kind !== 'echo') {
      this.#stream?.abort(new Error('not an echo'))
      return
    }
    const { clock, links, metrics, echo } = this.#options
    const before = this.#liveness
    this.#liveness = echoed(before, frame.nonce, clock.now())
    const peer = this.#connection.remotePeer.toString()
    const link = links.get(peer)
    if (link !== undefined) {
      link.rttMs = this.#liveness.rttMs
      link.rttMinMs = rttMinMs(this.#liveness)
      link.lagMs = frame.lagMs
    }
    if (before.askedMs !== undefined) metrics.rttSeconds.observe((clock.now() - before.askedMs) / 1_000)
    echo(peer, frame.lagMs)
  }
}

/** The answering side: every ask goes back as an echo, on the same stream. */
function answerProbes(stream: Stream, { clock, lag }: ProbesOptions): void {
  openSeldom(stream)
  let windowMs = clock.now()
  let count = 0
  const reader = new FixedReader(PROBE_BYTES, (bytes) => {
    const frame = decodeProbe(bytes)
    const nowMs = clock.now()
    if (nowMs - windowMs > 1_000) {
      windowMs = nowMs
      count = 0
    }
    count += 1
    if (frame?.kind !== 'ask' || count > ASKS_PER_SECOND_MAX) {
      stream.abort(new Error('not a probe'))
      return
    }
    if (!stream.writableNeedsDrain) stream.send(encodeProbe({ kind: 'echo', lagMs: lag.recentMs, nonce: frame.nonce }))
  })
  stream.addEventListener('message', ({ data }) => {
    try {
      reader.push(data.subarray())
    } catch (cause) {
      stream.abort(asError(cause))
    }
  })
  stream.addEventListener('remoteCloseWrite', () => {
    void stream.close().catch((cause) => stream.abort(asError(cause)))
  })
}
