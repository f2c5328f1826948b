import {
  type Committee,
  createState,
  type Final,
  type Judge,
  KIND,
  leaderOf,
  type Proposal,
  type Vote,
  viewAt
} from '@brume/consensus'
import type { PeerId } from '@brume/ports'
import { ATTEST, type Frame, type Outline, VOTES_PER_FRAME_MAX } from '@brume/protocols/quorum'
import { Assembly } from './commands/assembly.ts'
import type { Seat } from './execution/seat.ts'
import type { Host } from './host.ts'
import { Traffic } from './meters.ts'
import type { Owner } from './owner.ts'
import { dutiesOf } from './votes/duties.ts'
import { echoFor } from './votes/echo.ts'
import { Engine } from './votes/engine.ts'
import { Franchise } from './votes/franchise.ts'
import { Persistence } from './votes/persist.ts'
import { checkEach, checkProposer } from './votes/plain.ts'
import type { Listener } from './votes/receive.ts'
import type { Remembered } from './votes/remember.ts'
import { route } from './votes/routes.ts'
import { Sending } from './votes/send.ts'
import { type Standing, standingOf } from './votes/standing.ts'
import type { Timings } from './votes/timings.ts'

export interface EpochOptions {
  readonly host: Host
  readonly owner: Owner
  readonly committee: Committee
  /** Peer of each member, by index. */
  readonly memberPeers: readonly PeerId[]
  /** The first parent: of the whole log, or the block that closed the epoch before. */
  readonly genesis: Final
  /** The newest final block of this epoch, or its genesis. */
  readonly final: Final
  readonly remembered: Remembered
  /** This process was there when the epoch began: before, this key said nothing in it. */
  readonly sawBeginning: boolean
  /** This member journals no votes. */
  readonly isVolatile: boolean
  readonly judge: Judge
  readonly minViewMs: number
  readonly deltaMs: number
  readonly timings: Timings
  readonly label: { readonly group: string }
}

/** One reducer at work: one committee that never changes, its engine, what it said, and the streams it says it on. */
export class Epoch implements Listener {
  readonly committee: Committee
  readonly memberPeers: readonly PeerId[]
  readonly self: number | null
  readonly peers: ReadonlySet<PeerId>
  readonly owner: Owner
  readonly engine: Engine
  readonly persistence: Persistence
  readonly sending: Sending
  readonly assembly: Assembly
  /** Votes take no shortcuts here. */
  readonly plain: boolean
  readonly #host: Host
  readonly #traffic: Traffic
  readonly #indexOf: ReadonlyMap<PeerId, number>
  readonly #franchise: Franchise
  readonly #closed = Promise.withResolvers<string>()
  /** Members that asked for an echo and to whom no stream is open yet. */
  readonly #askers = new Set<PeerId>()
  /** Called when frames of members were taken in. */
  onBatch: () => void = () => {}
  #handle: number | null = null

  constructor(options: EpochOptions) {
    const { host, owner, committee, memberPeers, final, remembered, label } = options
    this.#host = host
    this.owner = owner
    this.plain = host.plain === true
    this.committee = committee
    this.memberPeers = memberPeers
    this.#indexOf = new Map(memberPeers.map((peer, index) => [peer, index]))
    this.self = this.#indexOf.get(host.identity.peerId) ?? null
    this.peers = new Set(memberPeers.filter((peer) => peer !== host.identity.peerId))
    const { sawBeginning, isVolatile } = options
    const standing = standingAt(options)
    this.persistence = new Persistence({
      committee,
      identity: host.identity,
      journal: host.journal,
      clock: host.clock,
      signer: this.self ?? 0,
      muted: this.self === null || standing.type === 'muted',
      isVolatile,
      remembered,
      floorView: final.view,
      onFailure: (error) => owner.journalFailed(error),
      onSpace: (isThere, reason) => owner.journalSpace(isThere, reason)
    })
    this.#franchise = new Franchise({
      ...{ host, committee, self: this.self, standing, isVolatile, sawBeginning },
      persistence: this.persistence,
      floorView: final.view,
      state: () => this.engine.state,
      onLost: (reason, by) => (by === 'twin' ? owner.twinHeard(this, reason) : owner.muted(this, reason))
    })
    this.#traffic = new Traffic(host.meters, label)
    this.sending = new Sending(
      host.reception.channel,
      memberPeers,
      this.self,
      (type, bytes) => this.#traffic.sent(type, bytes),
      (frame) => owner.aloud(this, frame),
      this.plain ? 1 : VOTES_PER_FRAME_MAX
    )
    this.assembly = this.#makeAssembly()
    const { genesis, judge, minViewMs, deltaMs } = options
    const config = { committee, self: this.self, genesis, judge, minViewMs, deltaMs }
    const state = createState(config, host.clock.now(), { ...remembered, final })
    this.engine = new Engine(state, host.clock, this.sending, this.persistence, dutiesOf(this, options, this.#traffic))
  }

  get groupId(): Uint8Array {
    return this.committee.groupId
  }

  get epoch(): number {
    return this.committee.epoch
  }

  /** From here on members are heard and answered. */
  join(): void {
    this.#host.reception.join(this, (handle) => {
      this.#handle = handle
      this.sending.handle = handle
    })
    this.engine.run()
  }

  stop(): void {
    if (this.#handle !== null) this.#host.reception.leave(this.#handle)
    this.#handle = null
    this.#franchise.stop()
    this.assembly.stop()
    this.persistence.stop()
    this.engine.stop()
  }

  /** Its last block is final: it says nothing more, and answers who has not seen that. */
  close(): void {
    this.setVoting(false)
    this.pool(false, 0)
    this.persistence.close()
    this.#closed.resolve('this epoch is over')
  }

  /** After `stop`, where the process ends in order: what a volatile member needs to vote again. */
  park(): Promise<void> {
    return this.persistence.park(this.engine.state)
  }

  /** Others fill the journal that this group shares: what it still needs is written anew. */
  restate(): Promise<void> {
    return this.persistence.restate(this.engine.state, this.#franchise.muted)
  }

  /**
   * Resolves when it is known whether this key may vote in this epoch: with why not, if so. Once the epoch has closed
   * nobody may, and what was waited for may never come: others forget what they heard in it, and its timers stop.
   */
  mayVote(): Promise<string | null> {
    return Promise.race([this.#franchise.settled(), this.#closed.promise])
  }

  setVoting(voting: boolean): void {
    if (voting) this.#franchise.begin()
    this.engine.postAndRun({ type: 'voting', voting, ...this.engine.now() })
  }

  /** Blocks up to here were fetched by height and delivered. */
  adopt(final: Final): void {
    this.engine.postAndRun({ type: 'adopt', final, ...this.engine.now() })
  }

  /** The pool changed; the turn that changed it goes on. */
  pool(pending: boolean, version: number): void {
    this.engine.post({ type: 'pool', pending, version, ...this.engine.now() })
  }

  /** When the program wants a block, commands or none: group time, ms since 1970. */
  due(dueMs: number | null): void {
    if (this.engine.state.dueMs !== dueMs)
      this.engine.post({ type: 'due', dueMs, closeNow: false, ...this.engine.now() })
  }

  /** Will this key say something in this epoch, for all that is known? */
  get speaks(): boolean {
    return this.#franchise.speaks
  }

  isConnected(member: number): boolean {
    return member === this.self || this.#host.reception.channel.isOpen(this.memberPeers[member] ?? '')
  }

  /** Of members to whom a stream is open, this one included, and those that are reached otherwise. */
  reachedWeight(isReached: (member: number) => boolean): number {
    const reached = (member: number) => this.isConnected(member) || isReached(member)
    return this.committee.members.reduce((sum, { weight }, index) => (reached(index) ? sum + weight : sum), 0)
  }

  /** Members to whom a stream is open. */
  connected(): readonly PeerId[] {
    return this.memberPeers.filter((_, index) => index !== this.self && this.isConnected(index))
  }

  leaderOf(view: number): number {
    return leaderOf(this.committee, view)
  }

  heard(from: PeerId, frame: Frame): void {
    const member = this.#indexOf.get(from)
    if (member === undefined) return
    this.#traffic.received(frame.type)
    route(this, { peer: from, member }, frame)
  }

  batched(): void {
    this.engine.run()
    this.onBatch()
  }

  /** Votes of a member from its own stream. */
  voted(member: number, frame: Extract<Frame, { type: 'votes' }>): void {
    if (this.plain) checkEach(this.engine, member, frame)
    else this.engine.post({ ...frame, from: member, ...this.engine.now() })
  }

  /** A block, whole, as a member sent it. What its commands cost to inspect is part of what it costs. */
  proposed(member: number, proposal: Proposal, signature: Uint8Array): void {
    const time = this.engine.now()
    this.owner.proposed(proposal)
    const { epoch, view, parentView, digest } = proposal
    const signer = this.leaderOf(view)
    const vote: Vote = { kind: KIND.notarize, signer, epoch, view, parentView, digest, signature }
    if (this.plain) checkProposer(this.engine, member, vote)
    this.engine.post({ type: 'propose', from: member, proposal, signature, ...time })
    if (signer === this.self) this.heardOwn(vote)
  }

  #makeAssembly(): Assembly {
    const { owner, groupId } = this
    return new Assembly({
      groupId,
      clock: this.#host.clock,
      find: (id) => owner.find(id),
      holders: (outline) => this.#holders(outline),
      fetch: (member, ids, timeoutMs) => owner.fetch(this.memberPeers[member] ?? '', ids, timeoutMs),
      complete: (from, proposal, signature, late) => {
        this.proposed(from, proposal, signature)
        if (late) this.engine.run()
      },
      dropped: (cause) => owner.dropped(cause)
    })
  }

  /** Who may have the commands of a block: its leader, who voted for it, and then anybody. */
  #holders({ place: { view, digest } }: Outline): readonly number[] {
    const { slots = [] } = viewAt(this.engine.state, view)?.tallies[KIND.notarize] ?? {}
    const voted = slots.flatMap((slot) => (slot?.vote.digest === digest ? [slot.vote.signer] : []))
    const likeliest = new Set([this.leaderOf(view), ...voted, ...this.memberPeers.keys()])
    return [...likeliest].filter((member) => member !== this.self && this.isConnected(member))
  }

  opened(peer: PeerId): void {
    this.#linked('up', peer)
    this.#echo(peer)
  }

  /** Is this member still to say what it heard from this key? */
  asks(peer: PeerId): boolean {
    const member = this.#indexOf.get(peer)
    return member !== undefined && this.#franchise.asks(member)
  }

  /** A member asks what was heard from its key. */
  asked(peer: PeerId): void {
    this.#askers.add(peer)
    this.#echo(peer)
  }

  /** A member's answer to the same question. */
  echoed(member: number, votes: readonly Vote[]): void {
    this.#franchise.echoed(member, votes)
  }

  /** A statement that carries this member's own signature, from whoever it came. */
  heardOwn(vote: Vote): void {
    this.#franchise.check(vote)
  }

  /** Somebody proved that this key contradicted itself in a view: not this process. */
  heardSelf(view: number): void {
    this.#franchise.heardSelf(view)
  }

  /** As those who execute see it; a muted key signs no results either. */
  get seat(): Seat {
    const { committee, sending, engine } = this
    const send = (to: number | 'all', frame: Parameters<Sending['frame']>[1]) => {
      sending.frame(to, frame)
      engine.run()
    }
    const speaker = () => (this.#franchise.muted === null ? this.self : null)
    return {
      committee,
      get self() {
        return speaker()
      },
      sign: (message) => this.#host.identity.sign(message),
      tell: (to, outcomes) => send(to, { type: 'outcomes', ...outcomes }),
      ask: (view) => send('all', { type: 'request', epoch: this.epoch, view, want: ATTEST })
    }
  }

  /** A member is proven a liar: what it leads is not waited for. */
  convict(member: number): void {
    this.engine.postAndRun({ type: 'convicted', member })
  }

  #echo(peer: PeerId): void {
    const member = this.#indexOf.get(peer)
    if (member === undefined || !this.#askers.has(peer) || !this.isConnected(member)) return
    this.#askers.delete(peer)
    this.sending.echo(member, { epoch: this.epoch, votes: echoFor(this.engine.state, member) })
    // What was said when the stream opened may have come before its process listened.
    this.sending.queue(member, { type: 'status' })
    this.engine.run()
  }

  closed(peer: PeerId): void {
    this.#linked('down', peer)
  }

  announced(peer: PeerId, epoch: number): void {
    this.owner.announced(peer, epoch)
  }

  early(from: PeerId, frame: Frame): void {
    this.owner.early(this, from, frame)
  }

  #linked(type: 'up' | 'down', peer: PeerId): void {
    const member = this.#indexOf.get(peer)
    if (member === undefined) return
    this.engine.postAndRun({ type, member, nowMs: this.engine.now().nowMs })
    this.owner.linked(this)
  }
}

function standingAt({ host, remembered, sawBeginning, isVolatile }: EpochOptions): Standing {
  const { journal } = host
  if (journal === null) return { type: 'free' }
  return standingOf({ notes: remembered.notes, journal, sawBeginning, isVolatile })
}
