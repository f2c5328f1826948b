import { net8 } from '@brume/crypto'
import type { Cancel, Channel, PeerId, Topic, Verdict } from '@brume/ports'
import { encodeAnnouncement, encodeMessage, MEMBERSHIP_CHANNEL, membersTopic } from '@brume/protocols/membership'
import { createMemberWriter, loadMarks, loadMembers, type MemberWriter } from './adapters/persistence.ts'
import type { Effect, MemberChange, TimerName } from './effect.ts'
import { haltError, type MembershipError } from './errors.ts'
import { fromFrame, fromGossip, type MembershipEvent, reasonOf } from './event.ts'
import type { Ports } from './ports.ts'
import { initialState } from './rules/initial.ts'
import type { Config, Local, MembershipState } from './rules/state.ts'
import { step } from './rules.ts'
import { localAddresses } from './settings.ts'

/** From the leaving record to the close: frames and gossip of this turn have left by then. */
const LINGER_MS = 250

/** What the engine reports to the lifecycle machine. */
export interface Outcomes {
  ready(): void
  left(): void
  halt(error: MembershipError): void
}

export interface EngineOptions {
  readonly ports: Ports
  readonly config: Config
  readonly local: Omit<Local, 'addresses' | 'clockQuality'>
  readonly notBefore: number | undefined
  readonly onChange: (change: MemberChange) => void
}

/**
 * Holds the reducer's state, feeds it what happens, carries out what it asks for. One event runs to
 * its end before the next: an effect that causes an event at once only queues it.
 */
export class Engine {
  readonly #options: EngineOptions
  readonly #store
  readonly #writer: MemberWriter
  readonly #timers = new Map<TimerName, Cancel>()
  readonly #queue: MembershipEvent[] = []
  #outcomes: Outcomes | undefined
  #state: MembershipState | undefined
  #channel: Channel | undefined
  #topic: Topic | undefined
  #unlisten: Cancel | undefined
  #linger: Cancel | undefined
  #running = false
  #closed = false

  constructor(options: EngineOptions) {
    this.#options = options
    const { store, clock, log } = options.ports
    this.#store = store.sub('membership/')
    this.#writer = createMemberWriter(this.#store, clock, log)
  }

  /** Undefined before `load` is done. */
  get state(): MembershipState | undefined {
    return this.#state
  }

  async load(): Promise<void> {
    const { ports, config, local, notBefore } = this.#options
    const { journal, log, random, net, clock } = ports
    const members = await loadMembers(this.#store, { networkId: config.networkId, verify: config.verify, log })
    const lost = journal.verdict === 'lost' || journal.verdict === 'damaged'
    const facts: Local = {
      ...local,
      addresses: localAddresses(net.addresses()),
      clockQuality: await ports.clockQuality()
    }
    const at = { nowMs: clock.now(), wallMs: clock.wall() }
    const loaded = { members, marks: loadMarks(journal), lost, notBefore, entropy: random.bytes(32) }
    this.#state = initialState(config, facts, loaded, at)
  }

  open(outcomes: Outcomes): void {
    const { net } = this.#options.ports
    const { networkId } = this.#options.config
    this.#outcomes = outcomes
    this.#topic = net.topic(membersTopic(net8(networkId)), (from, data) => this.#judge(from, data))
    this.#channel = net.channel(MEMBERSHIP_CHANNEL, {
      frame: (from, body) => this.dispatch(fromFrame(from, body)),
      opened: (peer) => this.dispatch({ type: 'channel.opened', peer })
    })
    this.#unlisten = net.onLink((event) => {
      if (event.type === 'link.slow') return
      this.dispatch(event)
      this.#refreshAddresses()
    })
    this.dispatch({ type: 'opened' })
    for (const { peer } of net.links()) this.dispatch({ type: 'link.up', peer })
  }

  dispatch(event: MembershipEvent): void {
    if (this.#closed || this.#state === undefined) return
    this.#queue.push(event)
    if (this.#running) return
    this.#running = true
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#run(next)
    } finally {
      this.#running = false
    }
  }

  /** Lets go of net, timers and waiting writes. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
    this.#linger?.()
    this.#unlisten?.()
    this.#topic?.leave()
    this.#channel?.close()
    if (this.#topic !== undefined) this.#options.ports.net.want([])
    await this.#writer.flush()
  }

  /** Gossip wants its verdict at once; in the middle of another event it gets none, and relays nothing. */
  #judge(from: PeerId, data: Uint8Array): Verdict {
    const event = fromGossip(from, data)
    if (this.#running || this.#closed) {
      this.dispatch(event)
      return 'ignore'
    }
    this.#running = true
    try {
      return this.#run(event) ?? 'ignore'
    } finally {
      this.#running = false
      const next = this.#queue.shift()
      if (next !== undefined) this.dispatch(next)
    }
  }

  #run(event: MembershipEvent): Verdict | undefined {
    const { clock } = this.#options.ports
    if (this.#state === undefined || this.#closed) return undefined
    const before = this.#state
    const { state, effects, verdict } = step(before, event, { nowMs: clock.now(), wallMs: clock.wall() })
    this.#state = state
    for (const effect of effects) this.#perform(effect, state)
    if (state.table !== before.table || event.type === 'opened') this.#measure(state)
    return verdict
  }

  #perform(effect: Effect, state: MembershipState): void {
    const { net, log, meters } = this.#options.ports
    switch (effect.type) {
      case 'send':
        this.#channel?.send(effect.peer, encodeMessage(effect.message))
        return
      case 'publish':
        return this.#publish(effect.record, effect.flood)
      case 'want':
        return net.want(effect.peers)
      case 'connect':
        return this.#channel?.connect(effect.peers)
      case 'drop':
        // Where it is to blame, that was said already.
        log.info({ peer: effect.peer, reason: effect.reason }, 'a peer was disconnected')
        return net.drop(effect.peer, { banMs: effect.banMs })
      case 'journal':
        return this.#append(effect)
      case 'arm':
        return this.#arm(effect.timer, effect.delayMs)
      case 'save': {
        const entry = state.table.get(effect.peer)
        if (entry !== undefined) this.#writer.save(entry)
        return
      }
      case 'forget':
        return this.#writer.forget(effect.peer)
      case 'notify':
        if (effect.change.type === 'member.dead') meters.dead(effect.change.cause)
        return this.#options.onChange(effect.change)
      case 'warrant':
        // Reputation takes these over; until it exists they are counted and shown.
        meters.warrant(effect.warrant.kind)
        log.warn({ peer: effect.warrant.peer, kind: effect.warrant.kind }, 'a peer contradicted its own record')
        return
      case 'malformed':
        meters.malformed()
        return log.warn({ peer: effect.peer, reason: effect.reason }, 'a peer broke the membership protocol')
      case 'count.record':
        return meters.record(effect.outcome)
      case 'count.sync':
        return meters.sync(effect.what)
      case 'clock.offset':
        return this.#clockOffset(effect)
      case 'ready':
        return this.#outcomes?.ready()
      case 'left':
        this.#linger = this.#options.ports.clock.after(LINGER_MS, () => this.#outcomes?.left())
        return
      case 'halt':
        return this.#outcomes?.halt(haltError(effect.reason, effect.detail))
    }
  }

  #publish(record: Uint8Array, flood: boolean): void {
    this.#topic?.publish(encodeAnnouncement(record), { flood }).catch((error: unknown) => {
      // Nobody subscribed yet, or the same bytes went out before: Hello and anti-entropy carry it as well.
      this.#options.ports.log.debug({ reason: reasonOf(error) }, 'a record was not gossiped')
    })
  }

  #append({ seq, kind, payload }: Extract<Effect, { type: 'journal' }>): void {
    this.#options.ports.journal.append(kind, payload, (error) =>
      this.dispatch(
        error === undefined ? { type: 'journal.synced', seq } : { type: 'journal.failed', detail: error.message }
      )
    )
  }

  #arm(timer: TimerName, delayMs: number): void {
    this.#timers.get(timer)?.()
    const cancel = this.#options.ports.clock.after(delayMs, () => {
      this.#timers.delete(timer)
      if (timer === 'sync') void this.#refreshLocal()
      this.dispatch({ type: 'timer.fired', timer })
    })
    this.#timers.set(timer, cancel)
  }

  #clockOffset({ peer, offsetMs, split }: Extract<Effect, { type: 'clock.offset' }>): void {
    this.#options.ports.meters.clockOffset(offsetMs)
    if (!split) return
    const hours = Math.round(offsetMs / 360_000) / 10
    this.#options.ports.log.warn(
      { peer, hours },
      'clock-split: records of this peer do not count until one clock is set'
    )
  }

  #refreshAddresses(): void {
    this.dispatch({ type: 'local.changed', local: { addresses: localAddresses(this.#options.ports.net.addresses()) } })
  }

  /** What changes while the machine runs, looked at once per anti-entropy round. */
  async #refreshLocal(): Promise<void> {
    const { ports } = this.#options
    try {
      const [quality, state] = await Promise.all([ports.clockQuality(), ports.sampleState?.()])
      const sampled = state === undefined ? {} : { state }
      const addresses = localAddresses(ports.net.addresses())
      this.dispatch({ type: 'local.changed', local: { addresses, clockQuality: quality, ...sampled } })
    } catch (error) {
      ports.log.debug({ reason: reasonOf(error) }, 'the state of the host could not be sampled')
    }
  }

  #measure(state: MembershipState): void {
    const counts = { up: 0, suspect: 0, dead: 0 }
    for (const { liveness } of state.table.values()) counts[liveness.state]++
    this.#options.ports.meters.members(counts)
    this.#options.ports.meters.epoch(state.epoch, state.local.clockQuality)
  }
}
