import { toHex } from '@brume/codec'
import type { Certificate } from '@brume/consensus'
import type { Clock, Net, PeerId, Topic, Verdict } from '@brume/ports'
import { commandId, type Frame, type Gossip, type GossipFrame, type Presence } from '@brume/protocols/quorum'
import type { Epoch } from '../epoch.ts'
import { Attendance } from './attendance.ts'
import { Heralds } from './heralds.ts'
import { type Findings, Scrutiny } from './scrutiny.ts'
import { joinTopic } from './topic.ts'
import { isCutOff, isHeard, Voice, type VotesBy } from './voice.ts'

type Of<T extends GossipFrame['type']> = Extract<GossipFrame, { type: T }>

/** That others are in a later epoch anybody can say; each time blocks are asked for. */
const RUMOUR_GAP_MS = 1_000

export interface GossipOptions {
  readonly net: Net
  readonly clock: Clock
  readonly groupId: Uint8Array
  readonly votesBy: VotesBy | null
  /** The epoch that decides. */
  readonly epoch: () => Epoch
  readonly evidence: (from: PeerId, content: Uint8Array) => Verdict
  /** A command of somebody who need not be a member. */
  readonly command: (from: PeerId, command: Uint8Array) => Verdict
  /** An observer hears that there is more than it has, from this peer. */
  readonly news: (from: PeerId) => void
  /** A member without a stream from here is there. */
  readonly present: (epoch: Epoch) => void
  readonly sign: (bytes: Uint8Array) => Uint8Array
  readonly dropped: (cause: string) => void
}

/**
 * A group's topic, one for all its epochs: what members say to those they have no stream to, what everybody else is
 * to know, and commands of those who are no members.
 */
export class GroupGossip implements Findings {
  readonly topic: Topic
  readonly #options: GossipOptions
  readonly #scrutiny: Scrutiny
  readonly #voice: Voice
  readonly #heralds: Heralds
  readonly #attendance: Attendance
  #from: PeerId = ''
  #rumourMs = Number.NEGATIVE_INFINITY

  constructor(options: GossipOptions) {
    this.#options = options
    const { net, clock, groupId, votesBy, evidence, sign, dropped } = options
    this.#scrutiny = new Scrutiny(this)
    this.topic = joinTopic(net, groupId, {
      evidence,
      frame: (from, message) => this.#hear(from, message),
      presence: (presence) => this.#attended(presence)
    })
    this.#voice = new Voice(this.topic, votesBy, () => options.dropped('gossip: unsent'))
    const publish = (presence: Presence) => this.#voice.present(presence)
    this.#attendance = new Attendance({ sign, publish, dropped })
    this.#heralds = new Heralds({
      clock,
      isWanted: (epoch) => this.#isFollowed(epoch),
      hasHeard: (epoch, view) => this.#scrutiny.hasHeard(epoch, view),
      publish: (epoch) => this.#tell(epoch)
    })
  }

  /** A frame to all members. True where streams need not carry it. */
  said(epoch: Epoch, frame: Frame): boolean {
    return this.#voice.said(epoch, frame, this.#options.clock.now())
  }

  ticked(epoch: Epoch): void {
    this.#voice.resend(epoch, this.#options.clock.now())
  }

  /** This member is there, and finds no quorum. */
  present(epoch: Epoch): void {
    this.#attendance.seek(epoch, this.#options.clock.now())
  }

  /** A stream to a member opened or closed. */
  linked(epoch: Epoch): void {
    this.#attendance.linked(epoch, this.#options.clock.now())
  }

  /** Has this member been heard of late, from wherever it is? */
  isPresent(epoch: Epoch, member: number): boolean {
    return this.#attendance.isPresent(epoch, member, this.#options.clock.now())
  }

  /** Something became final here. */
  finalized(epoch: Epoch): void {
    this.#heralds.finalized(epoch)
  }

  stop(): void {
    this.#heralds.stop()
    this.topic.leave()
  }

  votes(epoch: Epoch, frame: Of<'votes'>): void {
    const { engine, self } = epoch
    const [first] = frame.votes
    if (self === null || first === undefined) return
    if (first.signer !== self) {
      return engine.postAndRun({ ...frame, from: first.signer, verified: true, ...engine.now() })
    }
    for (const vote of frame.votes) epoch.heardOwn(vote)
  }

  block(epoch: Epoch, leader: number, frame: Of<'propose'> | Of<'outline'>): void {
    if (epoch.self === null) return
    if (frame.type === 'propose') epoch.proposed(leader, frame.proposal, frame.signature)
    else epoch.assembly.add(leader, frame.outline)
    epoch.engine.run()
  }

  finalization({ engine, self }: Epoch, certificate: Certificate): void {
    if (self === null) return this.#options.news(this.#from)
    // It was checked, so nobody is to blame for it.
    engine.postAndRun({ type: 'certificate', certificate, from: self, ...engine.now() })
  }

  later({ self }: Epoch): void {
    const nowMs = this.#options.clock.now()
    if (self !== null || nowMs - this.#rumourMs < RUMOUR_GAP_MS) return
    this.#rumourMs = nowMs
    this.#options.news(this.#from)
  }

  dropped(cause: string): void {
    this.#options.dropped(cause)
  }

  #hear(from: PeerId, { frame, isDirect }: Extract<Gossip, { type: 'frame' }>): Verdict {
    this.#from = from
    const epoch = this.#options.epoch()
    const verdict = this.#judge(epoch, from, frame)
    // Only of its own word: anybody may set a flag that nobody signed.
    const isOwn = frame.type === 'votes' && epoch.memberPeers[frame.votes[0]?.signer ?? -1] === from
    return verdict === 'accept' && isDirect && isOwn ? 'ignore' : verdict
  }

  #attended(presence: Presence): Verdict {
    const epoch = this.#options.epoch()
    const verdict = this.#attendance.hear(epoch, presence, this.#options.clock.now())
    if (verdict === 'accept') this.#options.present(epoch)
    return verdict
  }

  #judge(epoch: Epoch, from: PeerId, frame: GossipFrame): Verdict {
    const nowMs = this.#options.clock.now()
    switch (frame.type) {
      case 'votes':
        return this.#scrutiny.votes(epoch, from, frame, nowMs)
      case 'propose':
      case 'outline':
        return this.#scrutiny.block(epoch, frame, nowMs)
      case 'certificate':
        return this.#finality(epoch, frame, nowMs)
      case 'command':
        return this.#command(from, frame.command, nowMs)
    }
  }

  #finality(epoch: Epoch, frame: Of<'certificate'>, nowMs: number): Verdict {
    const verdict = this.#scrutiny.finalization(epoch, frame, nowMs)
    if (verdict === 'accept') this.#heralds.heard()
    return verdict
  }

  #command(from: PeerId, command: Uint8Array, nowMs: number): Verdict {
    const { command: judge, dropped } = this.#options
    const verdict = judge(from, command)
    if (verdict === 'accept') this.#options.epoch().engine.run()
    if (verdict !== 'accept' || this.#scrutiny.command(toHex(commandId(command)), nowMs)) return verdict
    dropped('gossip: repeated')
    return 'ignore'
  }

  /** Is anybody in the topic who is no member, or any member that hears only what is gossiped? */
  #isFollowed({ engine, peers, self }: Epoch): boolean {
    const nowMs = this.#options.clock.now()
    const { marks } = engine.state
    if (marks.some((mark, member) => member !== self && isCutOff(mark, nowMs) && isHeard(mark))) return true
    return this.topic.subscribers().some((peer) => !peers.has(peer))
  }

  #tell(epoch: Epoch): void {
    const { certificate, view } = epoch.engine.state.final
    if (certificate === null) return
    this.#scrutiny.said(epoch, view, this.#options.clock.now())
    this.#voice.publish({ type: 'certificate', certificate })
  }
}
