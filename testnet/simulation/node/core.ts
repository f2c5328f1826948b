import { Reader, Writer } from '@brume/codec'
import {
  type Certificate,
  createState,
  deltaOf,
  type Effect,
  type Event,
  type Final,
  type Held,
  type Judge,
  type Message,
  type Proposal,
  type State,
  signedBytes,
  step,
  type Vote,
  wakeAtMs
} from '@brume/consensus'
import type { JournalRecord } from '@brume/ports'
import {
  bodyOf,
  type Command,
  decodeCertificate,
  decodeSignedBlock,
  encodeCertificate,
  encodeSignedBlock,
  makeBlock,
  readVote,
  writeVote
} from '@brume/protocols/quorum'
import { SimJournal } from '../world/sim-journal.ts'
import { readCommand, type SimCommand } from './command.ts'
import type { CoreOptions, Life } from './contract.ts'
import { digestOfEffect, digestOfEvent, digestOfFrame, FRAME_KIND, kindOf } from './digest.ts'
import { Fetching } from './fetching.ts'
import type { Content, Frame } from './frame.ts'
import { type FinalBlock, Ledger } from './ledger.ts'
import { Pool } from './pool.ts'

const RECORD = { vote: 1, block: 2, certificate: 3 } as const
/** Signatures checked in the turn they are needed in; more take the thread pool's time. */
const VERIFY_INLINE_MAX = 8
const VERIFY_US = 400
/** LevelDB syncs the ledger this often. */
const LEDGER_SYNC_US = 1_000_000
/** A block older or younger than this by the wall clock is refused by the simulation's program before an own vote. */
const PROGRAM_CLOCK_MS = 30_000
const MEASURE_EVERY_MS = 1_000

/** One member: the real reducer, its journal in the real format, a ledger, a pool; and nothing asynchronous. */
export class CoreNode {
  readonly options: CoreOptions
  readonly journal: SimJournal
  readonly ledger: Ledger
  pool = new Pool()
  life: Life = 'down'
  state: State
  /** Bumped by each crash: what was under way before it comes to nothing. */
  incarnation = 0
  readonly linked = new Set<number>()
  /** When it last said anything to anybody, µs. */
  saidUs = 0
  stalledUntilUs = 0
  #born = false
  /** What happened while the event loop stood still, in order; `frames` of it are unread input. */
  #waiting: (() => void)[] = []
  #unreadFrames = 0
  #isTicking = false
  #queue: Event[] = []
  #running = false
  #wakeUs: number | null = null
  readonly #fetching: Fetching
  #ledgerDirty = false
  #measuredMs = Number.NEGATIVE_INFINITY
  #attempt = 0
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
    this.#fetching = this.#makeFetching()
    this.state = this.#create(genesis)
  }

  get isAlive(): boolean {
    return this.life !== 'down'
  }

  /** Frames that arrived and were not read yet. */
  get unread(): number {
    return this.#unreadFrames
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
    this.state = this.#create(final, this.#remember(records, ledger.floor.view))
    this.life = isMuted ? 'muted' : 'joining'
    this.#fetching.forgive()
    this.options.observer.restarted(this.options.process, final, this.life)
    this.feed({ type: 'voting', voting: false, ...this.#time() })
  }

  /** As `kill -9` and a power cut at once. */
  crash(): void {
    this.incarnation += 1
    this.life = 'down'
    this.linked.clear()
    this.#waiting = []
    this.#unreadFrames = 0
    this.#queue = []
    this.#wakeUs = null
    this.#fetching.reset()
    this.stalledUntilUs = 0
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
    if (!this.#isStalled) return this.#read(from, frame)
    this.#unreadFrames += 1
    this.#waiting.push(() => {
      this.#unreadFrames -= 1
      this.#read(from, frame)
    })
  }

  /** The event loop stands still. */
  stall(us: number): void {
    const { world } = this.options
    if (!this.isAlive) return
    this.stalledUntilUs = Math.max(this.stalledUntilUs, world.nowUs + us)
    this.#later(us, () => {
      if (world.nowUs >= this.stalledUntilUs) this.goOn()
    })
  }

  /** What arrived meanwhile is read, and only then do timers act: `Clock.after` promises as much. */
  goOn(): void {
    this.stalledUntilUs = 0
    if (this.options.host.timerBeforeInput && this.#isDue()) this.#tick()
    for (const run of this.#waiting.splice(0)) run()
    if (this.#isDue()) this.#tick()
  }

  submit(command: SimCommand): void {
    if (this.life === 'halted' || !this.isAlive) return
    if (!this.#learn(command)) return
    this.#toAll({ type: 'command', command })
    this.#poolChanged()
  }

  feed(event: Event): void {
    if (this.#isStalled) {
      this.#waiting.push(() => this.feed(event))
      return
    }
    this.#queue.push(event)
    if (!this.#running) this.#run()
  }

  get #isStalled(): boolean {
    return this.options.world.nowUs < this.stalledUntilUs
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
    const judge: Judge = (proposal, _, ancestors, wallMs) => this.#judge(proposal, ancestors, wallMs)
    const config = { committee, self: member, genesis, judge, deltaMs, minViewMs, rules }
    return createState(config, this.#time().nowMs, restored === undefined ? undefined : { ...restored, final })
  }

  #judge(proposal: Proposal, ancestors: readonly Proposal[], wallMs: number | null): boolean {
    if (wallMs !== null && Math.abs(wallMs - proposal.timeMs) > PROGRAM_CLOCK_MS) return false
    const { commands } = bodyOf(proposal)
    if (commands.length > this.options.maxCommands) return false
    // As in production: what ancestors carry is a matter of an own vote, for which are unfinalized depends on the own floor.
    const carried = wallMs === null ? [] : ancestors.flatMap((block) => bodyOf(block).commands.map(({ id }) => id))
    const seen = new Set(carried)
    for (const { id } of commands) {
      if (seen.has(id)) return false
      seen.add(id)
    }
    return true
  }

  #remember(records: readonly JournalRecord[], floorView: number) {
    const { committee, host } = this.options
    const votes: Vote[] = []
    const held: Held[] = []
    const certificates: Certificate[] = []
    for (const { kind, payload } of records) {
      if (kind === RECORD.vote) votes.push(readVote(new Reader(payload)))
      else if (kind === RECORD.block)
        held.push({ ...decodeSignedBlock(committee.groupId, payload), certified: false, invalid: false })
      else certificates.push(decodeCertificate(payload))
    }
    this.options.observer.restored(this.options.process, votes)
    return {
      votes: host.restore(votes.filter(({ view }) => view > floorView)),
      held: held.filter(({ proposal }) => proposal.view > floorView),
      certificates: certificates.filter(({ view }) => view > floorView)
    }
  }

  #time(): { readonly nowMs: number; readonly wallMs: number } {
    const { clock, world } = this.options
    return { nowMs: clock.nowMs(world.nowUs), wallMs: clock.wallMs(world.nowUs) }
  }

  #later(us: number, run: () => void): void {
    const { incarnation } = this
    this.options.world.after(us, () => this.incarnation === incarnation && run())
  }

  #reachesQuorum(): boolean {
    const { committee, memberOf, member } = this.options
    const members = new Set([member, ...[...this.linked].map((process) => memberOf[process] ?? 0)])
    let weight = 0
    for (const index of members) weight += committee.members[index]?.weight ?? 0
    return weight >= committee.quorum
  }

  #run(): void {
    const { world, process } = this.options
    this.#running = true
    const { incarnation } = this
    try {
      for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
        world.log(process, kindOf(event.type), digestOfEvent(event))
        if (world.isTracing) world.trace(process, `event ${event.type}`, () => event)
        const { state, effects } = step(this.state, event)
        this.state = state
        for (const effect of effects) {
          world.log(process, kindOf(effect.type), digestOfEffect(effect))
          if (world.isTracing) world.trace(process, `effect ${effect.type}`, () => effect)
          this.#carryOut(effect)
          if (this.incarnation !== incarnation) return
        }
      }
    } finally {
      this.#running = false
    }
    this.#arm()
  }

  #arm(): void {
    const { world, clock } = this.options
    const { nowMs } = this.#time()
    const wakeMs = this.isAlive && this.life !== 'halted' ? wakeAtMs(this.state, nowMs) : null
    const wakeUs = wakeMs === null ? null : Math.max(clock.worldUs(wakeMs), world.nowUs + 1)
    if (wakeUs === this.#wakeUs) return
    this.#wakeUs = wakeUs
    if (wakeUs === null) return
    const { incarnation } = this
    world.at(wakeUs, () => {
      if (this.incarnation !== incarnation || this.#wakeUs !== wakeUs) return
      if (!this.#isStalled) this.#tick()
    })
  }

  #isDue(): boolean {
    return this.#wakeUs !== null && this.#wakeUs <= this.options.world.nowUs
  }

  #tick(): void {
    this.#wakeUs = null
    this.#isTicking = true
    this.feed({ type: 'tick', ...this.#time() })
    this.#isTicking = false
  }

  #carryOut(effect: Effect): void {
    const { observer, process } = this.options
    switch (effect.type) {
      case 'send':
        return effect.to === 'all' ? this.#toAll(effect.message) : this.#toMember(effect.to, effect.message)
      case 'cast':
        return this.#cast(effect)
      case 'verify':
        return this.#verify(effect)
      case 'build':
        return void this.#queue.push({
          type: 'built',
          view: effect.view,
          proposal: this.#build(effect),
          ...this.#time()
        })
      case 'keep':
        observer.kept(process, effect.certificate)
        if (this.life === 'muted') return
        return void this.journal.append(RECORD.certificate, encodeCertificate(effect.certificate))
      case 'spread':
        for (const command of [...this.pool.values()].slice(0, 8)) this.#toAll({ type: 'command', command })
        return
      case 'notarized':
        return observer.notarized(process, effect.proposal)
      case 'finalized':
        return this.#finalized(effect.blocks, this.state.final)
      case 'entered':
        observer.entered(process, effect.view, effect.by)
        return this.#measure()
      case 'behind':
        return this.#sync()
      case 'conflict':
        if (this.isSigned(effect.a) && this.isSigned(effect.b)) observer.conflict(process, effect.a, effect.b)
        return
      case 'dropped':
        if (effect.reason === 'signature') observer.silenced(process, effect.from)
        return
    }
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

  #cast({ statement, proposal, signature }: Extract<Effect, { type: 'cast' }>): void {
    const { observer, process, member, host } = this.options
    if (this.life === 'muted') return
    const vote: Vote = { ...statement, signer: member, signature: this.sign(statement) }
    observer.cast(process, vote, this.#isTicking ? this.#unreadFrames : 0)
    const { incarnation } = this
    if (proposal !== null) this.journal.append(RECORD.block, encodeSignedBlock(proposal, signature ?? vote.signature))
    if (this.incarnation !== incarnation) return
    const done = () => this.feed({ type: 'synced', votes: [vote], ...this.#time() })
    const bytes = writeVote(new Writer(), vote).finish()
    const sequence = this.journal.append(RECORD.vote, bytes, (error) => {
      if (error !== undefined) this.#halt()
      else if (!host.sendsBeforeSync) done()
    })
    if (sequence > 0) observer.appended(process, sequence, vote)
    if (host.sendsBeforeSync && this.incarnation === incarnation) done()
  }

  #verify({ purpose, votes }: Extract<Effect, { type: 'verify' }>): void {
    const bad = votes.filter((vote) => !this.isSigned(vote)).map(({ signer }) => signer)
    if (votes.length <= VERIFY_INLINE_MAX) {
      this.#queue.push({ type: 'verified', purpose, votes, bad, ...this.#time() })
      return
    }
    this.#later(VERIFY_US, () => this.feed({ type: 'verified', purpose, votes, bad, ...this.#time() }))
  }

  #build(request: Extract<Effect, { type: 'build' }>): Proposal | null {
    const { committee, maxCommands, observer, process } = this.options
    const { view, parentView, parent, height, ancestors, empty } = request
    const below = ancestors.toReversed().flatMap((block) => bodyOf(block).commands)
    const taken = empty ? [] : this.pool.take(maxCommands, below, this.censors)
    if (taken.length === 0 && !empty) return null
    const commands: Command[] = taken.map(({ id, bytes }) => ({ id, bytes }))
    const place = { groupId: committee.groupId, epoch: committee.epoch, view, height, parentView, parent }
    const proposal = makeBlock(place, Math.max(request.timeMs, this.#time().wallMs), commands)
    observer.built(process, proposal)
    return proposal
  }

  #finalized(blocks: readonly FinalBlock[], final: Final): void {
    const { observer, process } = this.options
    this.ledger.append(blocks, final)
    for (const { proposal } of blocks) this.pool.apply(bodyOf(proposal).commands)
    observer.finalized(process, blocks, final)
    this.#queue.push({ type: 'pool', pending: this.pool.isPending, version: this.pool.version, ...this.#time() })
    if (this.#ledgerDirty) return
    this.#ledgerDirty = true
    this.#later(LEDGER_SYNC_US, () => {
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
    const { measuresDelta, committee, memberOf, member, delayMs } = this.options
    const { nowMs } = this.#time()
    if (!measuresDelta || nowMs - this.#measuredMs < MEASURE_EVERY_MS) return
    const delays = committee.members
      .map(({ weight }, index) => {
        const process = memberOf.indexOf(index)
        return { weight, delay: index === member ? 0 : this.linked.has(process) ? delayMs(process) : undefined }
      })
      .filter((entry): entry is { weight: number; delay: number } => entry.delay !== undefined)
      .sort((a, b) => a.delay - b.delay)
    let weight = 0
    for (const entry of delays) {
      weight += entry.weight
      if (weight < committee.quorum) continue
      this.#measuredMs = nowMs
      this.#queue.push({ type: 'pace', deltaMs: deltaOf(entry.delay, this.journal.syncP95Ms()) })
      return
    }
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
        this.#queue.push({ type: 'pool', pending: this.pool.isPending, version: this.pool.version, ...time })
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
      this.#queue.push({ type: 'voting', voting: false, ...this.#time() })
      if (!this.#running) this.#run()
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
      later: (us, run) => this.#later(us, run),
      isSigned: (vote) => this.isSigned(vote),
      adopt: (blocks, final) => this.#adopt(blocks, final),
      caughtUp: () => this.#caughtUp()
    })
  }

  #halt(): void {
    if (!this.isAlive || this.life === 'halted') return
    this.life = 'halted'
    this.options.observer.halted(this.options.process)
    this.#wakeUs = null
    this.#queue = []
    this.feed({ type: 'voting', voting: false, ...this.#time() })
  }
}
