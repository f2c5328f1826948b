import type { Cancel, Clock, Log, PeerId, Random, Wanted } from '@brume/ports'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Host } from '../host/libp2p.ts'
import type { Links } from '../links.ts'
import type { NetMetrics } from '../metrics.ts'
import { EMPTY_REDIAL, nextDialMs, type RedialEvent, type RedialRules, redial } from './redial.ts'

/** An unreachable address costs seconds: a handful is worth trying. */
const ADDRESSES_PER_DIAL_MAX = 6
/** The loop looks at least this often, so that forgetting happens too. */
const LOOK_MS_MAX = 5_000

interface DialerOptions {
  readonly host: Host
  readonly links: Links
  readonly rules: RedialRules
  /** Usable addresses of the peer, in the order in which to try them. */
  readonly addresses: (peer: PeerId) => Promise<readonly string[]>
  readonly isBanned: (peer: PeerId) => boolean
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: NetMetrics
}

/** Runs the redial reducer: turns its dials into connections and reports what came of them. */
export class Dialer {
  readonly #options: DialerOptions
  #state = EMPTY_REDIAL
  #running = false
  #stopped = false
  readonly #early: RedialEvent[] = []
  #cancelWake: Cancel = () => {}

  constructor(options: DialerOptions) {
    this.#options = options
    options.links.on((event) => {
      if (event.type === 'link.up') this.#connected(event.peer)
      else if (event.type === 'link.down')
        this.#apply({ type: 'disconnected', peer: event.peer, jitter: options.random.float() })
    })
  }

  start(): void {
    this.#running = true
    for (const event of this.#early.splice(0)) this.#apply(event)
    this.#apply({ type: 'tick' })
  }

  stop(): void {
    this.#running = false
    this.#stopped = true
    this.#cancelWake()
  }

  want(peers: readonly Wanted[]): void {
    const self = this.#options.host.peerId.toString()
    this.#apply({ type: 'wanted', peers: peers.filter(({ peer }) => peer !== self) })
  }

  discovered(peer: PeerId): void {
    this.#apply({ type: 'discovered', peer })
  }

  /** A discovered peer is forgotten; one that is wanted stays wanted. */
  forget(peer: PeerId): void {
    this.#apply({ type: 'forgotten', peer })
  }

  /** Not dialled for that long. */
  hold(peer: PeerId, forMs: number): void {
    this.#apply({ type: 'held', peer, untilMs: this.#options.clock.now() + forMs })
  }

  disturbed(): void {
    this.#apply({ type: 'disturbed' })
  }

  knows(peer: PeerId): boolean {
    return this.#state.peers.has(peer)
  }

  isWanted(peer: PeerId): boolean {
    const priority = this.#state.peers.get(peer)?.priority
    return priority !== undefined && priority !== 'discovered'
  }

  waiting(): number {
    return [...this.#state.peers.values()].filter(({ phase }) => phase === 'waiting').length
  }

  #connected(peer: PeerId): void {
    this.#apply({ type: 'discovered', peer })
    this.#apply({ type: 'connected', peer })
  }

  /** Before the start nothing is dialled: what is said until then is heard in order at the start. */
  #apply(event: RedialEvent): void {
    if (this.#stopped) return
    if (!this.#running) {
      this.#early.push(event)
      return
    }
    const step = redial(this.#state, event, this.#options.clock.now(), this.#options.rules)
    this.#state = step.state
    for (const peer of step.dials) void this.#dial(peer)
    this.#arm()
  }

  #arm(): void {
    this.#cancelWake()
    const next = nextDialMs(this.#state)
    const waitMs = next === undefined ? LOOK_MS_MAX : Math.max(0, next - this.#options.clock.now())
    this.#cancelWake = this.#options.clock.after(Math.min(waitMs, LOOK_MS_MAX), () => this.#apply({ type: 'tick' }))
  }

  async #dial(peer: PeerId): Promise<void> {
    const { links, metrics, log, random } = this.#options
    if (links.has(peer)) {
      this.#apply({ type: 'connected', peer })
      return
    }
    try {
      await this.#open(peer)
      metrics.dials.inc({ result: 'ok' })
      // It may have closed again before this ran; then the loop has heard of it already.
      this.#apply(links.has(peer) ? { type: 'connected', peer } : { type: 'failed', peer, jitter: random.float() })
    } catch (cause) {
      metrics.dials.inc({ result: 'failed' })
      log.debug({ peer, cause: String(cause) }, 'dial failed')
      this.#apply({ type: 'failed', peer, jitter: random.float() })
    }
  }

  async #open(peer: PeerId): Promise<void> {
    const { host, addresses, isBanned } = this.#options
    if (isBanned(peer)) throw new Error('banned')
    const usable = (await addresses(peer)).slice(0, ADDRESSES_PER_DIAL_MAX)
    if (usable.length === 0) throw new Error('no usable address is known')
    const id = peerIdFromString(peer).toString()
    await host.dial(usable.map((address) => multiaddr(`${address}/p2p/${id}`)))
  }
}
