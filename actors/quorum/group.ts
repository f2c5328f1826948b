import { toHex } from '@brume/codec'
import { type Committee, type Final, type Held, leaderOf } from '@brume/consensus'
import type { Cancel, PeerId } from '@brume/ports'
import { bodyOf, committeeOf, decodeManifest, type Frame, groupIdOf, type Manifest } from '@brume/protocols/quorum'
import type { Ref } from '@brume/runtime'
import { fromPromise } from 'xstate'
import { type Chapter, catchUp } from './blocks/catch-up.ts'
import { type FinalBlock, Ledger } from './blocks/ledger.ts'
import type { Intake } from './commands/intake.ts'
import { QuorumError } from './errors.ts'
import type { GroupEvent, GroupState, GroupStatus, Submission } from './events.ts'
import type { Host } from './host.ts'
import { load, type Parts } from './load.ts'
import { type LifecycleEvent, lifecycle } from './machine.ts'
import { Samples } from './meters.ts'
import type { Program } from './ports.ts'
import type { Duties, Engine } from './votes/engine.ts'
import { Pace } from './votes/pace.ts'
import type { Listener } from './votes/receive.ts'

/** Blocks proposed here whose latency is still being measured. */
const TIMED_MAX = 64

/** One group on one peer: the reducer between the streams, the journal, the ledger and the program. */
export class Group implements Listener {
  readonly id: string
  readonly groupId: Uint8Array
  readonly epoch = 0
  readonly manifest: Manifest
  readonly peers: ReadonlySet<PeerId>
  readonly ledger: Ledger
  readonly #host: Host
  readonly #program: Program
  readonly #committee: Committee
  readonly #indexOf: ReadonlyMap<PeerId, number>
  readonly #self: number | null
  readonly #memberPeers: readonly PeerId[]
  readonly #listeners = new Set<(event: GroupEvent) => void>()
  readonly #pace = new Pace()
  readonly #timed = new Map<string, number>()
  readonly #latency = { notarized: new Samples(), final: new Samples() }
  readonly #label: { readonly group: string }
  #parts: Parts | null = null
  #actor: Ref<typeof lifecycle> | null = null
  #handle = 0
  #state: GroupState = 'loading'
  #reason: string | null = null
  readonly #ready = Promise.withResolvers<void>()
  readonly #undo: Cancel[] = []

  constructor(manifest: Uint8Array, program: Program, host: Host) {
    this.#host = host
    this.#program = program
    this.#committee = committeeOf(manifest)
    this.manifest = decodeManifest(manifest)
    this.groupId = groupIdOf(manifest)
    this.id = toHex(this.groupId)
    this.#label = { group: this.id.slice(0, 8) }
    this.#indexOf = new Map(this.manifest.members.map(({ peer }, index) => [peer, index]))
    this.#self = this.#indexOf.get(host.identity.peerId) ?? null
    this.peers = new Set([...this.#indexOf.keys()].filter((peer) => peer !== host.identity.peerId))
    this.#memberPeers = this.manifest.members.map(({ peer }) => peer)
    this.ledger = new Ledger(host.store, this.groupId)
  }

  /** Resolves when the group has read its past and begun to look for its members, or has halted. */
  async start(): Promise<void> {
    const logic = lifecycle.provide({
      actors: { load: fromPromise(() => this.#load()), catchUp: fromPromise(() => this.#catchUp()) },
      actions: {
        became: ({ context }, { state }) => this.#became(state, context.reason ?? context.muted),
        join: () => this.#join(),
        startVoting: () => this.#setVoting(true),
        stopVoting: () => this.#setVoting(false)
      }
    })
    this.#actor = this.#host.kernel.spawn(`sys/quorum/${this.id}`, logic, {
      input: { isMember: this.#self !== null },
      strategy: 'stop',
      onFailed: ({ error }) => this.#became('halted', messageOf(error))
    })
    await this.#ready.promise
  }

  async stop(): Promise<void> {
    for (const undo of this.#undo.splice(0)) undo()
    this.#host.reception.leave(this.#handle)
    this.#actor?.stop()
    this.#parts?.engine.stop()
    this.#parts?.intake.stop('BRUME_QUORUM_STOPPED', 'the group was stopped on this peer')
    await this.#parts?.delivery.written()
  }

  onEvent(listener: (event: GroupEvent) => void): Cancel {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** @throws QuorumError where the command is not taken; its promises tell the rest. */
  submit(command: Uint8Array): Submission {
    if (this.#state === 'halted')
      throw new QuorumError('BRUME_QUORUM_HALTED', this.#reason ?? 'the group is halted here')
    const { engine, intake, sending } = this.#loaded()
    const before = intake.pool.version
    const submission = intake.submit(command, this.#wallMs())
    if (intake.pool.version !== before) {
      sending.command('all', command)
      this.#poolChanged(engine, intake)
      engine.run()
    }
    return submission
  }

  status(): GroupStatus {
    const { reception } = this.#host
    const state = this.#parts?.engine.state
    const { total, faults, quorum } = this.#committee
    return {
      group: this.id,
      name: this.manifest.name,
      state: this.#state,
      reason: this.#reason,
      members: this.manifest.members.map(({ peer, weight }, index) => {
        const self = index === this.#self
        return { index, peer, weight, self, connected: self || reception.channel.isOpen(peer) }
      }),
      weight: { total, faults, quorum },
      epoch: this.epoch,
      view: state?.view ?? 0,
      height: state?.final.height ?? 0,
      digest: state?.final.digest ?? '',
      deltaMs: state?.deltaMs ?? this.manifest.pace.deltaMs,
      dormant: state?.active !== true,
      pool: this.#parts?.intake.pool.size ?? 0,
      latencyMs: { notarizedP50: this.#latency.notarized.median(), finalP50: this.#latency.final.median() }
    }
  }

  heard(from: PeerId, frame: Frame): void {
    const member = this.#indexOf.get(from)
    if (this.#parts === null || member === undefined) return
    const { engine, intake } = this.#parts
    this.#host.meters.frames.inc({ ...this.#label, type: frame.type, dir: 'in' })
    const time = engine.now()
    switch (frame.type) {
      case 'votes':
        // On a stream the sender is the signer: for anybody else's vote the stream ends.
        if (frame.votes.some(({ signer }) => signer !== member)) throw new RangeError('a vote of another signer')
        return engine.post({ ...frame, from: member, ...time })
      case 'propose':
        if (intake.learn(frame.proposal)) this.#poolChanged(engine, intake)
        return engine.post({ ...frame, from: member, ...time })
      case 'certificate':
        return engine.post({ ...frame, from: member, ...time })
      case 'status':
        if (frame.epoch !== this.epoch) return this.#dropped('epoch')
        return engine.post({ ...frame, from: member, ...time })
      case 'request':
        if (frame.epoch !== this.epoch) return this.#dropped('epoch')
        return engine.post({ ...frame, from: member })
      case 'command':
        return this.#heardCommand(from, frame.command)
    }
  }

  batched(): void {
    this.#parts?.engine.run()
  }

  opened(peer: PeerId): void {
    this.#linked('up', peer)
  }

  closed(peer: PeerId): void {
    this.#linked('down', peer)
  }

  #linked(type: 'up' | 'down', peer: PeerId): void {
    const member = this.#indexOf.get(peer)
    const engine = this.#parts?.engine
    if (engine === undefined || member === undefined) return
    engine.postAndRun({ type, member, nowMs: engine.now().nowMs })
    if (this.#reachedWeight() >= this.#committee.quorum) this.#tell({ type: 'quorum.reached' })
  }

  #reachedWeight(): number {
    const { reception } = this.#host
    return this.manifest.members.reduce(
      (sum, { peer, weight }, index) => (index === this.#self || reception.channel.isOpen(peer) ? sum + weight : sum),
      0
    )
  }

  #heardCommand(from: PeerId, command: Uint8Array): void {
    if (this.#parts === null) return
    const { engine, intake } = this.#parts
    try {
      if (intake.receive(from, command, this.#wallMs())) this.#poolChanged(engine, intake)
    } catch (error) {
      if (!(error instanceof QuorumError)) throw error
      this.#dropped(error.code)
    }
  }

  async #load(): Promise<{ readonly muted: string | null }> {
    this.#parts = await load({
      host: this.#host,
      manifest: this.manifest,
      committee: this.#committee,
      self: this.#self,
      genesis: { view: 0, height: 0, digest: this.id, timeMs: 0, certificate: null },
      ledger: this.ledger,
      program: this.#program,
      label: this.#label,
      duties: this.#duties(),
      failed: (what, error) => this.#tell({ type: `${what}.failed`, reason: messageOf(error) })
    })
    return { muted: this.#host.muted }
  }

  #join(): void {
    const { sending, engine } = this.#loaded()
    this.#handle = this.#host.reception.join(this)
    sending.handle = this.#handle
    this.#undo.push(this.#host.keepConnected(`quorum/${this.id}`, [...this.peers]))
    engine.run()
    if (this.#reachedWeight() >= this.#committee.quorum) this.#tell({ type: 'quorum.reached' })
  }

  #setVoting(voting: boolean): void {
    const { engine } = this.#loaded()
    engine.postAndRun({ type: 'voting', voting, ...engine.now() })
  }

  #duties(): Duties {
    const { meters } = this.#host
    return {
      build: (request) => this.#build(request),
      spread: () => {
        const { intake, sending } = this.#loaded()
        for (const { bytes } of intake.oldest()) sending.command('all', bytes)
      },
      notarized: (proposal) => {
        const { view, height, digest, commands } = proposal
        this.#loaded().intake.notarized(proposal)
        this.#time(digest, 'notarized')
        this.#emit({ type: 'notarized', view, height, digest, commands })
      },
      finalized: (blocks) => this.#finalized(blocks),
      entered: (view, by) => {
        meters.view.set(this.#label, view)
        meters.views.inc({ ...this.#label, end: by })
        if (by === 'nullification') this.#emit({ type: 'nullified', view: view - 1 })
        this.#measurePace()
      },
      behind: () => this.#tell({ type: 'fell.behind' }),
      equivocated: ({ signer, view }) => {
        meters.evidence.inc(this.#label)
        this.#host.log.warn({ group: this.id, signer, view }, 'a member contradicted itself under its signature')
        this.#emit({ type: 'equivocated', signer, view })
      },
      dropped: (reason) => this.#dropped(reason),
      verified: (ok) => meters.verify.inc({ ...this.#label, ok: String(ok) }),
      ticked: () => {
        const { engine, intake } = this.#loaded()
        if (intake.pool.size > 0 && intake.sweep(this.#wallMs()) > 0) this.#poolChanged(engine, intake)
      }
    }
  }

  #build(request: Parameters<Intake['build']>[0]) {
    const proposal = this.#loaded().intake.build(request, this.#wallMs())
    if (proposal === null) return null
    const { view, height, digest, commands } = proposal
    this.#timed.set(digest, this.#host.clock.now())
    if (this.#timed.size > TIMED_MAX) for (const [oldest] of this.#timed.entries().take(1)) this.#timed.delete(oldest)
    this.#emit({ type: 'proposed', view, height, digest, commands })
    return proposal
  }

  #finalized(blocks: readonly Held[]): void {
    const { engine, delivery, persistence } = this.#loaded()
    const { final } = engine.state
    this.#take(blocks, final)
    const passed = persistence.passed(final.view, () => delivery.written().then(() => this.ledger.secure(final)))
    passed.catch((error: unknown) => this.#tell({ type: 'store.failed', reason: messageOf(error) }))
  }

  /** Final blocks, however they came: to the ledger, the program, those who wait, and those who watch. */
  #take(blocks: readonly FinalBlock[], final: Final): void {
    const { engine, intake, delivery } = this.#loaded()
    const { meters } = this.#host
    const proposals = blocks.map(({ proposal }) => proposal)
    delivery.final(blocks, final)
    const expired = intake.final(proposals)
    this.#poolChanged(engine, intake)
    meters.height.set(this.#label, final.height)
    meters.commands.inc({ ...this.#label, result: 'expired' }, expired)
    for (const proposal of proposals) {
      const { view, height, digest } = proposal
      const commands = bodyOf(proposal).commands.map(({ id }) => id)
      meters.commands.inc({ ...this.#label, result: 'final' }, commands.length)
      this.#time(digest, 'final')
      this.#emit({ type: 'final', view, height, digest, commands, leader: leaderOf(this.#committee, view) })
    }
  }

  #time(digest: string, until: 'notarized' | 'final'): void {
    const startMs = this.#timed.get(digest)
    if (startMs === undefined) return
    const ms = this.#host.clock.now() - startMs
    this.#latency[until].add(ms)
    this.#host.meters[until === 'final' ? 'final' : 'notarize'].observe(this.#label, ms / 1_000)
    if (until === 'final') this.#timed.delete(digest)
  }

  #catchUp(): Promise<void> {
    const { engine } = this.#loaded()
    return catchUp({
      net: this.#host.net,
      committee: this.#committee,
      peers: this.#memberPeers,
      state: () => engine.state,
      adopt: (chapter) => this.#adopt(chapter)
    })
  }

  #adopt({ blocks, final }: Chapter): void {
    const { engine } = this.#loaded()
    this.#take(blocks, final)
    engine.postAndRun({ type: 'adopt', final, ...engine.now() })
  }

  #measurePace(): void {
    const { engine } = this.#loaded()
    const { nowMs } = engine.now()
    const syncMs = () => this.#host.journal?.syncP95Ms() ?? 0
    const links = () => this.#host.net.links()
    const deltaMs = this.#pace.measure({
      nowMs,
      committee: this.#committee,
      peers: this.#memberPeers,
      self: this.#self,
      links,
      syncMs
    })
    if (deltaMs === null) return
    this.#host.meters.delta.set(this.#label, deltaMs)
    engine.post({ type: 'pace', deltaMs })
  }

  #poolChanged(engine: Engine, { pool }: Intake): void {
    this.#host.meters.pool.set(this.#label, pool.size)
    engine.post({ type: 'pool', pending: pool.size > 0, version: pool.version, ...engine.now() })
  }

  #dropped(cause: string): void {
    this.#host.meters.dropped.inc({ ...this.#label, cause })
  }

  #became(state: GroupState, reason: string | null): void {
    if (state === this.#state && reason === this.#reason) return
    this.#state = state
    this.#reason = reason
    if (state !== 'loading') this.#ready.resolve()
    if (state === 'halted') {
      this.#host.log.error({ group: this.id, reason }, 'the group is halted on this peer')
      this.#parts?.engine.stop()
      this.#parts?.intake.stop('BRUME_QUORUM_HALTED', reason ?? 'the group is halted')
    }
    this.#emit({ type: 'state', state, reason })
  }

  #loaded(): Parts {
    if (this.#parts === null) throw new QuorumError('BRUME_QUORUM_SYNCING', 'the group is still reading its past')
    return this.#parts
  }

  #tell(event: LifecycleEvent): void {
    this.#actor?.send(event, { control: true })
  }

  #emit(event: GroupEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  #wallMs(): number {
    return Math.floor(this.#host.clock.wall())
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
