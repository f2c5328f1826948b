import {
  type Committee,
  createState,
  type Effect,
  type Final,
  type Held,
  type Judge,
  leaderOf,
  type Proposal,
  type Vote
} from '@brume/consensus'
import type { PeerId } from '@brume/ports'
import type { Frame } from '@brume/protocols/quorum'
import type { Host } from './host.ts'
import { type Duties, Engine } from './votes/engine.ts'
import { Pace } from './votes/pace.ts'
import { Persistence, type Remembered } from './votes/persist.ts'
import type { Listener } from './votes/receive.ts'
import { route } from './votes/routes.ts'
import { Sending } from './votes/send.ts'
import type { Timings } from './votes/timings.ts'

/** What an epoch asks of its group: everything that outlives it. */
export interface Owner {
  /** As leader: a block of what waits, or null where there is nothing to put into one. */
  build(epoch: Epoch, request: Extract<Effect, { type: 'build' }>): Proposal | null
  /** The oldest pending commands. */
  oldest(): readonly Uint8Array[]
  /** A member proposes: its commands wait here too until the block is final. */
  proposed(proposal: Proposal): void
  command(from: PeerId, command: Uint8Array): void
  notarized(epoch: Epoch, proposal: Proposal): void
  finalized(epoch: Epoch, blocks: readonly Held[]): void
  entered(epoch: Epoch, view: number, by: Extract<Effect, { type: 'entered' }>['by']): void
  /** A stream to a member opened or closed. */
  linked(epoch: Epoch): void
  behind(epoch: Epoch): void
  /** Two statements that exclude each other, both signatures valid. */
  conflicted(epoch: Epoch, a: Vote, b: Vote): void
  dropped(cause: string): void
  ticked(epoch: Epoch): void
  journalFailed(error: unknown): void
}

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
  readonly #host: Host
  readonly #label: { readonly group: string }
  readonly #timings: Timings
  readonly #indexOf: ReadonlyMap<PeerId, number>
  readonly #pace = new Pace()
  #handle: number | null = null

  constructor(options: EpochOptions) {
    const { host, owner, committee, memberPeers, final, remembered, label } = options
    this.#host = host
    this.#label = label
    this.#timings = options.timings
    this.owner = owner
    this.committee = committee
    this.memberPeers = memberPeers
    this.#indexOf = new Map(memberPeers.map((peer, index) => [peer, index]))
    this.self = this.#indexOf.get(host.identity.peerId) ?? null
    this.peers = new Set(memberPeers.filter((peer) => peer !== host.identity.peerId))
    this.persistence = new Persistence({
      committee,
      identity: host.identity,
      journal: host.journal,
      signer: this.self ?? 0,
      muted: this.self === null || host.muted !== null,
      remembered,
      floorView: final.view,
      onFailure: (error) => owner.journalFailed(error)
    })
    this.sending = new Sending(host.reception.channel, memberPeers, this.self, (type, bytes) => {
      host.meters.frames.inc({ ...label, type, dir: 'out' })
      host.meters.bytes.inc({ ...label, dir: 'out' }, bytes)
    })
    const { genesis, judge, minViewMs, deltaMs } = options
    const config = { committee, self: this.self, genesis, judge, minViewMs, deltaMs }
    const state = createState(config, host.clock.now(), { ...remembered, final })
    this.engine = new Engine(state, host.clock, this.sending, this.persistence, this.#duties())
  }

  get groupId(): Uint8Array {
    return this.committee.groupId
  }

  get epoch(): number {
    return this.committee.epoch
  }

  /** From here on members are heard and answered. */
  join(): void {
    this.#handle = this.#host.reception.join(this)
    this.sending.handle = this.#handle
    this.engine.run()
  }

  stop(): void {
    if (this.#handle !== null) this.#host.reception.leave(this.#handle)
    this.#handle = null
    this.engine.stop()
  }

  setVoting(voting: boolean): void {
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

  isConnected(member: number): boolean {
    return member === this.self || this.#host.reception.channel.isOpen(this.memberPeers[member] ?? '')
  }

  /** Of members to whom a stream is open, this one included. */
  connectedWeight(): number {
    return this.committee.members.reduce((sum, { weight }, index) => (this.isConnected(index) ? sum + weight : sum), 0)
  }

  leaderOf(view: number): number {
    return leaderOf(this.committee, view)
  }

  heard(from: PeerId, frame: Frame): void {
    const member = this.#indexOf.get(from)
    if (member === undefined) return
    this.#host.meters.frames.inc({ ...this.#label, type: frame.type, dir: 'in' })
    route(this, { peer: from, member }, frame)
  }

  batched(): void {
    this.engine.run()
  }

  opened(peer: PeerId): void {
    this.#linked('up', peer)
  }

  closed(peer: PeerId): void {
    this.#linked('down', peer)
  }

  #linked(type: 'up' | 'down', peer: PeerId): void {
    const member = this.#indexOf.get(peer)
    if (member === undefined) return
    this.engine.postAndRun({ type, member, nowMs: this.engine.now().nowMs })
    this.owner.linked(this)
  }

  #duties(): Duties {
    const { owner } = this
    const { meters, clock } = this.#host
    return {
      build: (request) => {
        const proposal = owner.build(this, request)
        if (proposal !== null) this.#timings.start(proposal.digest, clock.now())
        return proposal
      },
      spread: () => {
        for (const command of owner.oldest()) this.sending.command('all', command)
      },
      notarized: (proposal) => {
        this.#timings.passed(proposal.digest, 'notarized', clock.now())
        owner.notarized(this, proposal)
      },
      finalized: (blocks) => owner.finalized(this, blocks),
      entered: (view, by) => {
        owner.entered(this, view, by)
        this.#measurePace()
      },
      behind: () => owner.behind(this),
      equivocated: (a, b) => owner.conflicted(this, a, b),
      dropped: (reason) => owner.dropped(reason),
      verified: (ok) => meters.verify.inc({ ...this.#label, ok: String(ok) }),
      ticked: () => owner.ticked(this)
    }
  }

  #measurePace(): void {
    const { journal, net, meters } = this.#host
    const deltaMs = this.#pace.measure({
      nowMs: this.engine.now().nowMs,
      committee: this.committee,
      peers: this.memberPeers,
      self: this.self,
      links: () => net.links(),
      syncMs: () => journal?.syncP95Ms() ?? 0
    })
    if (deltaMs === null) return
    meters.delta.set(this.#label, deltaMs)
    this.engine.post({ type: 'pace', deltaMs })
  }
}
