import {
  createState,
  type Effect,
  type Event,
  type Final,
  type Judge,
  type Message,
  type State,
  signedBytes,
  step,
  type Vote,
  wakeAtMs
} from '@brume/consensus'
import { bodyOf } from '@brume/protocols/quorum'
import { SimJournal } from '../world/sim-journal.ts'
import { readCommand, type SimCommand } from './command.ts'
import type { CoreOptions, Life } from './contract.ts'
import { Deeds } from './deeds.ts'
import { digestOfEffect, digestOfEvent, digestOfFrame, FRAME_KIND, kindOf } from './digest.ts'
import { Fetching } from './fetching.ts'
import type { Content, Frame } from './frame.ts'
import { Gauge } from './gauge.ts'
import { accepts } from './judge.ts'
import { type FinalBlock, Ledger } from './ledger.ts'
import { Loop } from './loop.ts'
import { above, type Memory, recall } from './memory.ts'
import { Pool } from './pool.ts'

/** LevelDB syncs the ledger this often. */
const LEDGER_SYNC_US = 1_000_000

/** One member: the real reducer, its journal in the real format, a ledger, a pool; and nothing asynchronous. */
export class CoreNode {
  readonly options: CoreOptions
  readonly journal: SimJournal
  readonly ledger: Ledger
  pool = new Pool()
  life: Life = 'down'
  state: State
  readonly linked = new Set<number>()
  /** When it last said anything to anybody, µs. */
  saidUs = 0
  #born = false
  readonly #fetching: Fetching
  #ledgerDirty = false
  #attempt = 0
  readonly #loop: Loop
  readonly #deeds: Deeds
  readonly #gauge: Gauge
  /** As a liar would have it: commands this leader leaves out. */
  censors: (command: SimCommand) => boolean = () => false

  constructor(options: CoreOptions) {
    this.options = options
    const { world, random, disk, process, observer, key, genesis } = options
    this.journal = new SimJournal(world, random, key.publicKey, disk, {
      point: (point) => observer.point(process, point),
      durable: (sequence) => observer.durable(process, sequence),
      failed: () => this.#halt()
    })
    this.ledger = new Ledger(genesis)
    this.#gauge = new Gauge(options)
    this.#loop = this.#makeLoop()
    this.#deeds = this.#makeDeeds()
    this.#fetching = this.#makeFetching()
    this.state = this.#create(genesis)
  }

  get isAlive(): boolean {
    return this.life !== 'down'
  }

  /** Till then the event loop stands still, µs of virtual time. */
  get stalledUntilUs(): number {
    return this.#loop.stalledUntilUs
  }

  start(): void {
    const { journal, ledger } = this
    const { verdict, records } = journal.open(this.#born)
    const isMuted = verdict === 'lost' || verdict === 'damaged'
    this.#born = true
    const final = this.options.host.floor(ledger)
    this.pool = new Pool()
    for (const { proposal } of ledger.blocks()) {
      if (proposal.height <= final.height) this.pool.apply(bodyOf(proposal).commands)
    }
    this.state = this.#create(final, this.#remember(recall(records, this.options.committee.groupId)))
    this.life = isMuted ? 'muted' : 'joining'
    this.#fetching.forgive()
    this.options.observer.restarted(this.options.process, final, this.life)
    this.feed({ type: 'voting', voting: false, ...this.#time() })
  }

  /** As `kill -9` and a power cut at once. */
  crash(): void {
    this.life = 'down'
    this.linked.clear()
    this.#loop.die()
    this.#fetching.reset()
    this.journal.crash()
    this.ledger.crash((most) => this.options.random.below(most + 1))
  }

  /** The disk is another, empty one. */
  wipe(): void {
    this.journal.wipe()
    this.ledger.wipe()
  }

  link(other: number, up: boolean): void {
    const member = this.options.memberOf[other] ?? 0
    if (up) this.linked.add(other)
    else this.linked.delete(other)
    if (member === this.options.member) return
    this.feed({ type: up ? 'up' : 'down', member, nowMs: this.#time().nowMs })
    if (!up) this.#fetching.lost(other)
    if (this.life === 'joining' && this.#reachesQuorum()) this.#sync()
  }

  /** A frame arrives; a stalled process reads it when it goes on. */
  receive(from: number, frame: Frame): void {
    this.#loop.arrive(() => this.#read(from, frame))
  }

  /** The event loop stands still. */
  stall(us: number): void {
    if (this.isAlive) this.#loop.stall(us)
  }

  /** It stands still no more. */
  goOn(): void {
    this.#loop.goOn()
  }

  submit(command: SimCommand): void {
    if (this.life === 'halted' || !this.isAlive) return
    if (!this.#learn(command)) return
    this.#toAll({ type: 'command', command })
    this.#poolChanged()
  }

  feed(event: Event): void {
    this.#loop.feed(event)
  }

  /** Puts any content on the wire in this member's name. */
  say(to: number, content: Content): void {
    const { process, transmit, committee, world } = this.options
    const { view, final } = this.state
    this.saidUs = world.nowUs
    const attempt = this.options.host.countsAttempts ? this.#attempt++ : 0
    transmit(process, to, { content, epoch: committee.epoch, view, final: final.view, attempt })
  }

  sign(statement: Vote | Parameters<typeof signedBytes>[1]): Uint8Array {
    const { committee, key, rules } = this.options
    return key.sign((rules.signedBytes ?? signedBytes)(committee, statement))
  }

  isSigned(vote: Vote): boolean {
    const { committee, verify, rules, host } = this.options
    const key = committee.members[vote.signer]?.key
    if (!host.checksSignatures) return true
    return key !== undefined && verify(key, (rules.signedBytes ?? signedBytes)(committee, vote), vote.signature)
  }

  #create(final: Final, restored?: Omit<Parameters<typeof createState>[2] & object, 'final'>): State {
    const { committee, member, genesis, deltaMs, minViewMs, rules } = this.options
    const { maxCommands } = this.options
    const judge: Judge = (proposal, _, ancestors, wallMs) => accepts(proposal, ancestors, wallMs, maxCommands)
    const config = { committee, self: member, genesis, judge, deltaMs, minViewMs, rules }
    return createState(config, this.#time().nowMs, restored === undefined ? undefined : { ...restored, final })
  }

  /** What the journal has of votes above the floor, as the host understands it. */
  #remember(memory: Memory): Memory {
    this.options.observer.restored(this.options.process, memory.votes)
    const left = above(this.ledger.floor.view, memory)
    return { ...left, votes: this.options.host.restore(left.votes) }
  }

  #time(): { readonly nowMs: number; readonly wallMs: number } {
    return this.#loop.time()
  }

  #reachesQuorum(): boolean {
    const { committee, memberOf, member } = this.options
    const members = new Set([member, ...[...this.linked].map((process) => memberOf[process] ?? 0)])
    let weight = 0
    for (const index of members) weight += committee.members[index]?.weight ?? 0
    return weight >= committee.quorum
  }

  #makeLoop(): Loop {
    const { world, clock, host } = this.options
    return new Loop({
      ...{ world, clock, timerBeforeInput: host.timerBeforeInput },
      turn: (event) => this.#turn(event),
      wakeMs: (nowMs) => (this.isAlive && this.life !== 'halted' ? wakeAtMs(this.state, nowMs) : null)
    })
  }

  #turn(event: Event): boolean {
    const { world, process } = this.options
    const { life } = this.#loop
    world.log(process, kindOf(event.type), digestOfEvent(event))
    if (world.isTracing) world.trace(process, `event ${event.type}`, () => event)
    const { state, effects } = step(this.state, event)
    this.state = state
    for (const effect of effects) {
      this.#carryOut(effect)
      if (this.#loop.life !== life) return false
    }
    return true
  }

  #carryOut(effect: Effect): void {
    const { world, process } = this.options
    world.log(process, kindOf(effect.type), digestOfEffect(effect))
    if (world.isTracing) world.trace(process, `effect ${effect.type}`, () => effect)
    this.#deeds.carryOut(effect)
  }

  #makeDeeds(): Deeds {
    const { options, journal } = this
    return new Deeds({
      ...{ options, journal, loop: this.#loop },
      pool: () => this.pool,
      life: () => this.life,
      censors: (command) => this.censors(command),
      sign: (statement) => this.sign(statement),
      isSigned: (vote) => this.isSigned(vote),
      toAll: (content) => this.#toAll(content),
      toMember: (member, message) => this.#toMember(member, message),
      finalized: (blocks) => this.#finalized(blocks, this.state.final),
      entered: () => this.#measure(),
      sync: () => this.#sync(),
      halt: () => this.#halt()
    })
  }

  #toAll(content: Message | Content): void {
    for (const other of this.options.memberOf.keys()) if (this.linked.has(other)) this.say(other, content)
    if (content.type === 'votes') this.options.observer.point(this.options.process, 'after-send')
  }

  #toMember(member: number, message: Message): void {
    if (!this.options.host.resends && (message.type === 'votes' || message.type === 'certificate')) return
    for (const [process, other] of this.options.memberOf.entries()) {
      if (other === member && this.linked.has(process)) this.say(process, message)
    }
  }

  #finalized(blocks: readonly FinalBlock[], final: Final): void {
    const { observer, process } = this.options
    this.ledger.append(blocks, final)
    for (const { proposal } of blocks) this.pool.apply(bodyOf(proposal).commands)
    observer.finalized(process, blocks, final)
    this.#loop.push({ type: 'pool', pending: this.pool.isPending, version: this.pool.version, ...this.#time() })
    if (this.#ledgerDirty) return
    this.#ledgerDirty = true
    this.#loop.later(LEDGER_SYNC_US, () => {
      this.ledger.secure()
      this.#ledgerDirty = false
    })
  }

  #poolChanged(): void {
    this.feed({ type: 'pool', pending: this.pool.isPending, version: this.pool.version, ...this.#time() })
  }

  #learn(command: SimCommand): boolean {
    return this.pool.add(command)
  }

  #measure(): void {
    const deltaMs = this.#gauge.deltaMs(this.#time().nowMs, this.linked, () => this.journal.syncP95Ms())
    if (deltaMs !== undefined) this.#loop.push({ type: 'pace', deltaMs })
  }

  #read(from: number, frame: Frame): void {
    const { world, process, memberOf, committee, host } = this.options
    if (!this.isAlive || this.life === 'halted') return
    world.log(process, FRAME_KIND, digestOfFrame(from, frame))
    if (world.isTracing) world.trace(process, `frame from ${from}`, () => frame)
    const { content, view, final, epoch } = frame
    const member = memberOf[from] ?? 0
    const time = this.#time()
    switch (content.type) {
      case 'votes': {
        const own = host.checksSender ? content.votes.filter(({ signer }) => signer === member) : content.votes
        if (own.length < content.votes.length) return
        return this.feed({ type: 'votes', from: member, votes: own, view, final, nowMs: time.nowMs })
      }
      case 'propose':
        for (const command of bodyOf(content.proposal).commands) this.#learn(readCommand(command))
        this.#loop.push({ type: 'pool', pending: this.pool.isPending, version: this.pool.version, ...time })
        return this.feed({ ...content, from: member, ...time })
      case 'certificate':
        return this.feed({ ...content, from: member, ...time })
      case 'request':
        if (epoch === committee.epoch) this.feed({ ...content, from: member })
        return
      case 'status':
        if (epoch !== committee.epoch) return
        this.feed({ type: 'status', from: member, view, final, nowMs: time.nowMs })
        if (this.life === 'muted' && this.#fetching.isIdle) this.#sync()
        return
      case 'command':
        if (this.#learn(content.command)) this.#poolChanged()
        return
      case 'ask':
        return this.say(from, { type: 'chapter', ...this.ledger.chapter(content.from) })
      case 'chapter':
        return this.#fetching.take(from, content.blocks, content.certificate)
    }
  }

  /** Falls behind or begins: nothing is said until nobody connected is ahead. */
  #sync(): void {
    if (this.life !== 'muted') {
      if (this.life === 'halted' || this.life === 'syncing') return
      this.life = 'syncing'
      this.#loop.push({ type: 'voting', voting: false, ...this.#time() })
      this.#loop.flush()
    }
    this.#fetching.begin()
  }

  #caughtUp(): void {
    if (this.life !== 'syncing') return
    this.life = 'voting'
    this.feed({ type: 'voting', voting: true, ...this.#time() })
    this.#poolChanged()
  }

  #adopt(blocks: readonly FinalBlock[], final: Final): void {
    this.#finalized(blocks, final)
    this.feed({ type: 'adopt', final, ...this.#time() })
    this.#poolChanged()
  }

  /** Chapters are asked of the first process that is linked and ahead. */
  #makeFetching(): Fetching {
    const { memberOf, committee } = this.options
    return new Fetching({
      committee,
      final: () => this.state.final,
      isOver: () => !this.isAlive || this.life === 'halted',
      ahead: () =>
        [...this.linked].filter((process) => {
          const mark = this.state.marks[memberOf[process] ?? 0]
          return mark !== undefined && mark.final > this.state.final.view
        }),
      lacks: () => this.state.ahead !== null,
      ask: (process, from) => this.say(process, { type: 'ask', from }),
      later: (us, run) => this.#loop.later(us, run),
      isSigned: (vote) => this.isSigned(vote),
      adopt: (blocks, final) => this.#adopt(blocks, final),
      caughtUp: () => this.#caughtUp()
    })
  }

  #halt(): void {
    if (!this.isAlive || this.life === 'halted') return
    this.life = 'halted'
    this.options.observer.halted(this.options.process)
    this.#loop.rest()
    this.feed({ type: 'voting', voting: false, ...this.#time() })
  }
}
