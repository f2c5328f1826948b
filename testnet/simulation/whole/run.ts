import type { GroupStatus } from '@brume/actors/quorum'
import { toHex } from '@brume/codec'
import { committeeOf, encodeSystem } from '@brume/protocols/quorum'
import { SimClock, SimNet } from '@brume/testkit'
import { streamsOf } from '../world/streams.ts'
import type { TraceLine } from '../world/world.ts'
import { Clients } from './clients.ts'
import { WholeDriver } from './driver.ts'
import { Expectations } from './expectations.ts'
import { type FloodPlan, floodFromOutside } from './flood.ts'
import { commandOf } from './membership.ts'
import type { WholeOptions } from './options.ts'
import { WholeOracle, type WholeViolation } from './oracle/oracle.ts'
import { Proofs } from './oracle/proof.ts'
import { type Scene, WholePeer } from './peer.ts'
import { makePeople, manifestOf, type Person } from './people.ts'
import { LOG_DOMAIN } from './program.ts'
import { RunLog } from './run-log.ts'
import { Slots, slotManifestOf } from './slots.ts'

/** What became of a run. */
export interface WholeResult {
  readonly violation: WholeViolation | null
  readonly hash: string
  readonly virtualMs: number
  readonly events: number
  readonly height: number
  readonly epoch: number
  /** Commands that took effect, and those of which clients were told. */
  readonly commands: number
  readonly acknowledged: number
  readonly healedMs: number
  /** From handing in a line until it is known to be final, at the 99th percentile: of those handed in while faults were, or the flood. */
  readonly finalP99Ms: number
  /** What all processes together came to hold; null where nobody measured. */
  readonly heldBytes: number | null
}

export interface WholeInput {
  readonly seed: Uint8Array
  readonly options: WholeOptions
  readonly trace?: ((line: TraceLine) => void) | undefined
  /** Ends the run here, unjudged. */
  readonly untilMs?: number | undefined
}

/** How often members are asked what they hold. */
const LOOK_EVERY_MS = 250
/** After the calm began a new command is final everywhere. A link that broke is noticed after 12 s at most. */
const HEAL_WITHIN_MS = 40_000
/** A command expires after 15 s, its client waits 10 s more; then whoever lags has caught up, program and all. */
const SETTLE_WITHIN_MS = 60_000
const QUIET_AFTER_MS = 60_000
const ASK_EVERY_MS = 50
/** Who writes, who reads and watches, and who carries commands to the quorum itself. */
const WRITERS_MAX = 3
const CLIENTS = WRITERS_MAX + 2
/** Sessions that no writer comes to. */
const SYSTEM_SESSIONS = 10_000
const CALM_SESSION = 20_000
/** What a group keeps on disk, whatever it has been through: two checkpoints, blocks since the older, sessions, ids. */
const STORE_ENTRIES_MAX = 20_000
const RECORDS_MAX = 20_000
const POOL_MAX = 4_096

/** Faults for a time, then calm; throws nothing: what went wrong is in the result. */
export async function runWhole(input: WholeInput): Promise<WholeResult> {
  const run = new WholeRun(input)
  await run.judge(input.untilMs)
  return run.result()
}

class WholeRun {
  readonly #scene: Scene
  readonly #peers: readonly WholePeer[]
  readonly #clients: Clients
  readonly #driver: WholeDriver
  readonly #expectations: Expectations
  #healedMs = 0
  #epoch = 0

  constructor({ seed, options, trace }: WholeInput) {
    const streams = streamsOf(seed)
    const clock = new SimClock()
    const n = options.weights.length
    const people = makePeople(streams.keys, n, 1 + CLIENTS)
    const manifest = manifestOf(options, people, streams.keys.bytes(32))
    const pipe = { delayMs: options.delayMs, jitterMs: options.jitterMs }
    const oracle = new WholeOracle(new Proofs(manifest, LOG_DOMAIN), () => clock.nowUs)
    for (const { member } of options.liars) oracle.faulty(toHex(people[member]?.identity.publicKey ?? seed))
    this.#expectations = new Expectations(options.expects ?? [], people)
    this.#scene = {
      ...{ options, clock, manifest, people, oracle },
      net: new SimNet({ clock, random: streams.net, pipe }),
      slots: new Slots(options.slots ?? [], slotManifestOf(manifest), n, oracle),
      log: new RunLog(() => clock.nowUs, trace ?? null)
    }
    // The last one is a candidate that knows the manifest alone, where anybody is to come or go.
    const processes = n + Number(options.steps.length > 0)
    this.#peers = Array.from({ length: processes }, (_, i) => new WholePeer(this.#scene, i, streams.node(i)))
    this.#clients = new Clients(this.#scene, streams.workload)
    this.#driver = new WholeDriver(this.#scene, this.#peers)
  }

  result(): WholeResult {
    const { clock, oracle, log } = this.#scene
    return {
      violation: oracle.violation,
      hash: log.digest(),
      virtualMs: Math.round(clock.now()),
      events: log.lines,
      height: oracle.top,
      epoch: this.#epoch,
      commands: oracle.log.length,
      acknowledged: oracle.acknowledged,
      healedMs: this.#healedMs,
      finalP99Ms: this.#finalP99Ms(),
      heldBytes: this.#expectations.heldBytes
    }
  }

  #finalP99Ms(): number {
    const { oracle, options } = this.#scene
    const fromMs = options.flood?.fromMs ?? 0
    const waits = oracle.operations.flatMap(({ startMs, endMs, ...one }) =>
      one.type === 'append' && endMs !== null && startMs >= fromMs && startMs < options.safetyMs
        ? [endMs - startMs]
        : []
    )
    return Math.round(waits.sort((a, b) => a - b)[Math.ceil(0.99 * waits.length) - 1] ?? 0)
  }

  async judge(untilMs: number | undefined): Promise<void> {
    const { oracle, options } = this.#scene
    try {
      this.#begin()
      await this.#pass(Math.min(options.safetyMs, untilMs ?? Number.POSITIVE_INFINITY))
      if (untilMs !== undefined) return
      await this.#mustHeal()
      await this.#mustSettle()
      await this.#mustFallSilent()
      if (oracle.violation === null) this.#mustHaveHappened()
      if (oracle.violation === null) oracle.end()
    } catch (error) {
      oracle.fail('exception', error instanceof Error ? (error.stack ?? error.message) : String(error))
    } finally {
      this.#clients.close()
      for (const peer of this.#peers) {
        peer.single()
        peer.kill(0)
      }
    }
  }

  #begin(): void {
    const { options, clock } = this.#scene
    const n = options.weights.length
    for (const peer of this.#peers) peer.start()
    this.#look()
    const first = n + 1
    for (let writer = 0; writer < options.writers; writer++) void this.#clients.write(first + writer)
    void this.#clients.readCertified(first + WRITERS_MAX)
    void this.#clients.watch(first + WRITERS_MAX)
    for (const peer of this.#honest.slice(0, 2)) void this.#clients.readFinal(peer)
    for (const [i, step] of options.steps.entries()) {
      clock.at(step.atMs * 1_000, () => this.#ask(i))
    }
    if (options.flood !== undefined) this.#flood(options.flood)
    for (const { atMs } of options.slots ?? []) {
      clock.at(atMs * 1_000, () => this.#scene.slots.open(this.#peers.filter(({ isAlive }) => isAlive)))
    }
  }

  /** Beside the members that may flood, from somebody who is none. */
  #flood(plan: FloodPlan): void {
    const { clock, net, people, manifest, options } = this.#scene
    // The candidate: it has nothing else to do where nobody comes or goes.
    const { identity } = people[options.weights.length] as Person
    const members = people.slice(0, options.weights.length).map((one) => one.identity.peerId)
    const committee = committeeOf(manifest)
    const view = () => this.#honest[0]?.life?.group.status().view ?? 1
    clock.after(plan.fromMs, () => this.#expectations.flooded(this.#peers))
    const wrote = (line: string) => this.#scene.oracle.wrote(line)
    const from = { identity, clock, committee: () => committee, view, wrote }
    floodFromOutside(net.start(identity.peerId), members, from, plan)
  }

  /** A command to the quorum itself goes the way of any other. */
  #ask(index: number): void {
    const { options, people, log } = this.#scene
    const step = options.steps[index]
    if (step === undefined) return
    log.add(255, 'fault', JSON.stringify(step))
    const body = encodeSystem(commandOf(step, people))
    const command = this.#clients.call(step.by, SYSTEM_SESSIONS + index, 1, body)
    this.#clients.of(options.weights.length + 2 + WRITERS_MAX).submit(command)
  }

  /** Those of whom anything is promised. */
  get #honest(): readonly WholePeer[] {
    return this.#peers.filter(({ isLiar }) => !isLiar)
  }

  get #living(): readonly WholePeer[] {
    return this.#honest.filter(({ isAlive }) => isAlive)
  }

  async #pass(ms: number): Promise<void> {
    const { clock, oracle } = this.#scene
    const endUs = clock.nowUs + ms * 1_000
    await clock.until(() => oracle.violation !== null, ms)
    // Where nothing is left to happen time goes on all the same.
    if (oracle.violation === null) clock.runUntil(endUs)
  }

  async #mustHeal(): Promise<void> {
    const { clock, oracle, options } = this.#scene
    this.#driver.stop()
    this.#clients.end()
    const startMs = clock.now()
    const number = options.weights.length + 1
    const command = this.#clients.call(number, CALM_SESSION, 1, Buffer.from('calm'))
    oracle.operations.push({ type: 'append', line: 'calm', startMs, endMs: null })
    let wanted = Number.POSITIVE_INFINITY
    const order = this.#clients.of(number).submit(command)
    order.final.then(
      ({ height, bundle }) => {
        wanted = height
        oracle.acknowledge(order.id, height, bundle)
      },
      (error: unknown) => oracle.fail('liveness', `a command of the calm was refused: ${String(error)}`)
    )
    const isDone = () => this.#living.every(({ life }) => (life?.group.status().height ?? 0) >= wanted)
    await this.#until(isDone, HEAL_WITHIN_MS, 'not everybody has a command of the calm')
    this.#healedMs = Math.round(clock.now() - startMs)
  }

  async #mustSettle(): Promise<void> {
    const { oracle } = this.#scene
    const isSettled = (peer: WholePeer) => {
      const status = peer.life?.group.status()
      if (status === undefined || status.height !== oracle.top) return false
      return status.execution.state === 'running' && status.execution.height === oracle.top && isAtWork(status)
    }
    const { slots } = this.#scene
    const isDone = () => this.#clients.isIdle && this.#living.every((peer) => isSettled(peer) && slots.isDone(peer))
    await this.#until(isDone, SETTLE_WITHIN_MS, 'not everybody came to rest')
  }

  #mustHaveHappened(): void {
    const missing = this.#expectations.missing(this.#honest, this.#peers)
    if (missing !== null) this.#scene.oracle.fail('stage', missing)
  }

  /** Nobody has work left. */
  async #mustFallSilent(): Promise<void> {
    const { oracle } = this.#scene
    if (oracle.violation !== null) return
    await this.#pass(QUIET_AFTER_MS)
    this.#lookOnce()
    const awake = this.#living.filter(({ life }) => life?.group.status().dormant !== true)
    if (awake.length > 0) oracle.fail('not-quiet', `still at work: ${this.#describe()}`)
    for (const { life, index } of this.#living) {
      const lines = life?.program.lines ?? []
      const isSame = lines.length === oracle.log.length && lines.every((line, i) => line === oracle.log[i])
      if (!isSame) oracle.fail('execution', `process ${index} has another log in the end`)
    }
  }

  async #until(isDone: () => boolean, withinMs: number, what: string): Promise<void> {
    const { clock, oracle } = this.#scene
    const endMs = clock.now() + withinMs
    while (oracle.violation === null && !isDone()) {
      if (clock.now() >= endMs) oracle.fail('liveness', `${what} within ${withinMs} ms: ${this.#describe()}`)
      else await this.#pass(ASK_EVERY_MS)
    }
  }

  #look(): void {
    const { clock } = this.#scene
    this.#lookOnce()
    if (clock.now() < this.#scene.options.safetyMs) clock.after(LOOK_EVERY_MS, () => this.#look())
  }

  /** What every honest member holds now: equal where it is of the same height, and bounded. */
  #lookOnce(): void {
    const { oracle } = this.#scene
    this.#expectations.look(this.#living)
    for (const { life, index, store, medium } of this.#living) {
      if (life === null || life.group.record === null) continue
      const { height, epoch, members, pool } = life.group.status()
      const committee = members.map(({ peer, weight }) => `${peer.slice(-6)}:${weight}`).join(' ')
      oracle.saw(index, { height, epoch, record: life.group.record.digest(), committee })
      this.#epoch = Math.max(this.#epoch, epoch)
      if (pool > POOL_MAX) oracle.fail('memory', `process ${index} keeps ${pool} commands`)
      if (store.size > STORE_ENTRIES_MAX) oracle.fail('memory', `process ${index} keeps ${store.size} entries`)
      if (medium.records.length > RECORDS_MAX)
        oracle.fail('memory', `process ${index} keeps ${medium.records.length} records`)
    }
  }

  #describe(): string {
    const each = this.#peers.map(({ index, life, isLiar }) => {
      if (life === null) return `${index} down`
      const { state, reason, epoch, view, height, execution, pool, dormant } = life.group.status()
      const order = `${state}${reason === null ? '' : ` (${reason})`} ${epoch}/${view} height ${height} pool ${pool}`
      return `${index}${isLiar ? ' liar' : ''} ${order} ${execution.state} ${execution.height}${dormant ? ' dormant' : ''}`
    })
    const open = this.#living.filter((peer) => !this.#scene.slots.isDone(peer)).map(({ index }) => index)
    const waits = `${this.#clients.isIdle ? '' : '; clients wait'}${open.length === 0 ? '' : `; slots are open at ${open}`}`
    return `${each.join('; ')}; top ${this.#scene.oracle.top}${waits}`
  }
}

/** A member votes, unless its key may have forgotten what it said; whoever is none follows. */
function isAtWork({ state, reason, members }: GroupStatus): boolean {
  const isMember = members.some(({ self }) => self)
  return state === 'voting' || (state === 'observing' && (!isMember || reason !== null))
}
