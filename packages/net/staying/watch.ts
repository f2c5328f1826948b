import type { Cancel, LinkEvent, PeerId, Random } from '@brume/ports'
import { fingerprint, type InterfaceAddress, interfaceAddresses } from '../discovery/interfaces.ts'
import type { Topics } from '../gossip/topics.ts'
import type { PeerStoreKeeper } from '../host/peer-store.ts'
import { Probes } from '../probe/probe.ts'
import type { ChannelHub, StreamsContext } from '../streams/channel.ts'
import { BUFFERED_BYTES_MAX, type Buffered, bufferedByPeer, overBudget, totalBytes } from '../streams/governor.ts'
import type { Dialer } from './dialer.ts'
import { Duplicates } from './duplicates.ts'
import { LoopLag } from './loop-lag.ts'
import { measure } from './measure.ts'
import { MuteWatch } from './mute.ts'
import { isHopeless, NOT_SLOW, type Slowness, sawBuffer, sawLag, sawTrouble } from './slow.ts'

const TICK_MS = 1_000
/** Interfaces, mute gossip streams and gauges: every fifth tick. */
const MINOR_TICKS = 5
/** The peer store: once a minute. */
const TIDY_TICKS = 60
/** A slow peer that was let go is not dialled for this long. */
const HOPELESS_HOLD_MS = 60_000

export interface WatchOptions extends StreamsContext {
  readonly random: Random
  readonly dialer: Dialer
  readonly channels: ReadonlySet<ChannelHub>
  readonly topics: Topics
  readonly peers: PeerStoreKeeper
  readonly dialsFirst: (peer: PeerId) => boolean
  readonly interfacesChanged: (now: readonly InterfaceAddress[]) => void
}

/** The round a node makes each second: dead and slow peers, duplicates, mute gossip, memory, interfaces. */
export class Watch {
  readonly #options: WatchOptions
  readonly #lag = new LoopLag()
  readonly #probes: Probes
  readonly #mute: MuteWatch
  readonly #duplicates: Duplicates
  readonly #slowness = new Map<PeerId, Slowness>()
  #fingerprint = fingerprint(interfaceAddresses())
  #ticks = 0
  #dueMs = 0
  #cancel: Cancel = () => {}

  constructor(options: WatchOptions) {
    this.#options = options
    const { host, links, metrics, log, dialsFirst, channels } = options
    this.#probes = new Probes({ ...options, lag: this.#lag, echo: (peer, lagMs) => this.#echo(peer, lagMs) })
    this.#mute = new MuteWatch(host, links, metrics, log)
    this.#duplicates = new Duplicates(dialsFirst, channels, metrics)
    links.on((event) => this.#linkChanged(event))
  }

  start(): void {
    this.#lag.start()
    this.#arm()
  }

  stop(): void {
    this.#cancel()
    this.#probes.stop()
    this.#lag.stop()
  }

  #arm(): void {
    this.#dueMs = this.#options.clock.now() + TICK_MS
    this.#cancel = this.#options.clock.after(TICK_MS, () => {
      this.#tick()
      this.#arm()
    })
  }

  #tick(): void {
    const { clock, metrics, dialer, links, channels } = this.#options
    const nowMs = clock.now()
    const slept = this.#lag.tick(nowMs - this.#dueMs)
    if (slept) dialer.disturbed()
    metrics.loopLag.set(this.#lag.recentMs / 1_000)
    this.#probes.check()
    const connections = links.all()
    this.#govern(bufferedByPeer(connections, channels))
    this.#duplicates.check(connections, nowMs)
    this.#ticks += 1
    if (this.#ticks % MINOR_TICKS === 0) this.#minorRound()
    if (this.#ticks % TIDY_TICKS === 0) void this.#tidy()
  }

  #minorRound(): void {
    void this.#mute.check()
    this.#lookAtInterfaces()
    const slow = [...this.#slowness.values()].filter((state) => state.slow).length
    measure(this.#options, slow)
  }

  async #tidy(): Promise<void> {
    const { peers, links, dialer, metrics } = this.#options
    metrics.peerstoreEntries.set(await peers.tidy((peer) => links.has(peer) || dialer.isWanted(peer)))
  }

  #lookAtInterfaces(): void {
    const now = interfaceAddresses()
    const seen = fingerprint(now)
    if (seen === this.#fingerprint) return
    this.#fingerprint = seen
    this.#options.log.info({ interfaces: seen }, 'network interfaces changed')
    this.#options.interfacesChanged(now)
  }

  #govern(buffered: ReadonlyMap<PeerId, Buffered>): void {
    const { links, metrics, small } = this.#options
    metrics.bufferedBytes.set(totalBytes(buffered))
    for (const peer of overBudget(buffered, small ? BUFFERED_BYTES_MAX / 2 : BUFFERED_BYTES_MAX)) {
      this.#endStreams(peer, buffered.get(peer)?.bytes ?? 0)
    }
    for (const [peer, { outgoing }] of buffered) {
      if (links.has(peer)) this.#judge(peer, (state, nowMs) => sawBuffer(state, outgoing, nowMs))
    }
  }

  #endStreams(peer: PeerId, bytes: number): void {
    const { links, metrics, log } = this.#options
    metrics.governorAborts.inc()
    log.warn({ peer, bytes }, 'too much is buffered: the streams of the largest peer were ended')
    for (const { streams } of links.connections(peer)) {
      for (const stream of [...streams]) stream.abort(new Error('memory budget'))
    }
  }

  #echo(peer: PeerId, lagMs: number): void {
    this.#judge(peer, (state, nowMs) => sawLag(state, lagMs, nowMs))
  }

  #linkChanged(event: LinkEvent): void {
    if (event.type === 'link.down') this.#slowness.delete(event.peer)
    if (event.type !== 'link.slow' || !event.slow) return
    // A control queue that overflowed said so itself: it counts like any other trouble.
    const state = this.#slowness.get(event.peer) ?? NOT_SLOW
    if (!state.slow) this.#slowness.set(event.peer, sawTrouble(state, this.#options.clock.now()))
  }

  #judge(peer: PeerId, by: (state: Slowness, nowMs: number) => Slowness): void {
    const { clock, links, log, dialer } = this.#options
    const nowMs = clock.now()
    const state = by(this.#slowness.get(peer) ?? NOT_SLOW, nowMs)
    this.#slowness.set(peer, state)
    links.setSlow(peer, state.slow)
    if (!isHopeless(state, nowMs)) return
    log.info({ peer }, 'a peer has not read for too long: disconnected')
    dialer.hold(peer, HOPELESS_HOLD_MS)
    for (const connection of links.connections(peer)) connection.abort(new Error('reads too slowly'))
  }
}
