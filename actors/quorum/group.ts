import { equal, toHex } from '@brume/codec'
import type { Certificate, Committee, Effect, Final, Held, Proposal, Vote } from '@brume/consensus'
import type { Cancel, PeerId, Verdict } from '@brume/ports'
import {
  bodyOf,
  COMMANDS_PROTOCOL,
  type Command,
  commandId,
  committeeOf,
  decodeCommandsAnswer,
  decodeManifest,
  type Evidence,
  encodeCommandsRequest,
  type Frame,
  groupIdOf,
  type Header,
  type Manifest,
  type Outcomes,
  type QuorumRecord
} from '@brume/protocols/quorum'
import type { Ref } from '@brume/runtime'
import { fromPromise } from 'xstate'
import { type Chapter, catchUp } from './blocks/catch-up.ts'
import type { Delivered } from './blocks/delivery.ts'
import { type FinalBlock, Ledger } from './blocks/ledger.ts'
import { fetchSkip } from './blocks/skip.ts'
import type { Kept } from './checkpoints/archive.ts'
import { Shelf } from './checkpoints/serving.ts'
import { Serving } from './clients/serving.ts'
import { Backlog } from './commands/backlog.ts'
import { Expiry } from './commands/expiry.ts'
import { Offers } from './commands/offers.ts'
import type { Epoch, Owner } from './epoch.ts'
import { Epochs } from './epochs.ts'
import { QuorumError } from './errors.ts'
import type { GroupEvent, GroupState, GroupStatus, Submission } from './events.ts'
import { accusation } from './evidence/accusation.ts'
import { Proceedings } from './evidence/proceedings.ts'
import type { Execution } from './execution/execution.ts'
import { EXECUTION_STATES, type ExecutionState } from './execution/machine.ts'
import { GroupGossip } from './gossip/gossip.ts'
import type { Host } from './host.ts'
import { load, type Parts, type Surroundings } from './load.ts'
import { type LifecycleEvent, lifecycle } from './machine.ts'
import type { Program } from './ports.ts'
import { isKnown, isUrgent } from './record/membership.ts'
import type { Applied, Register } from './record/register.ts'
import { Timings } from './votes/timings.ts'

/** A clock that stands still within a turn shows no cost at all. */
const COMMAND_COST_LEAST_MS = 0.001

/** How often an observer asks for new blocks: as late as it may be. */
const FOLLOW_MS = 1_000

/** How often a member without a quorum asks whether its epoch is over. */
const SEEK_MS = 5_000

/** Final blocks with commands that a leader's own program has not executed; above it the order waits for it. */
const UNEXECUTED_MAX = 32

/** What every member sees in a command by itself, whatever else it knows: who relays such a one did not look. */
const BAD_COMMANDS: ReadonlySet<string> = new Set(['BRUME_QUORUM_BAD_SIGNATURE', 'BRUME_QUORUM_MALFORMED'])

type Turnover = NonNullable<Applied['turn']>

/**
 * One group on one peer: its life, and what outlives its epochs. Votes go from the streams to an `Epoch`
 * and back; what became final comes here, on its way to the ledger, the program and those who wait.
 */
export class Group implements Owner {
  readonly id: string
  readonly groupId: Uint8Array
  readonly manifest: Manifest
  readonly ledger: Ledger
  /** What other members fetch in bulk. */
  readonly shelf: Shelf
  readonly #committee: Committee
  readonly #manifestBytes: Uint8Array
  readonly #host: Host
  readonly #program: Program
  readonly #listeners = new Set<(event: GroupEvent) => void>()
  readonly #timings: Timings
  readonly #proceedings: Proceedings
  readonly #serving: Serving
  readonly #label: { readonly group: string }
  readonly #backlog: Backlog
  readonly #offers: Offers
  readonly #expiry: Expiry
  #parts: Parts | null = null
  /** A block was not built because too many wait for the program. */
  #isHeldUp = false
  #epochs: Epochs | null = null
  /** The beginning of the epoch at hand is on disk: nothing is said in it before. */
  #secured: Promise<void> = Promise.resolve()
  #actor: Ref<typeof lifecycle> | null = null
  #gossip: GroupGossip | null = null
  #unpin: Cancel | undefined
  /** Who told an observer of more than it has, and how to wake it. */
  #informant: PeerId | null = null
  #wake: () => void = () => {}
  #state: GroupState = 'loading'
  #reason: string | null = null
  readonly #ready = Promise.withResolvers<void>()

  constructor(manifest: Uint8Array, program: Program, host: Host) {
    this.#host = host
    this.#program = program
    this.#committee = committeeOf(manifest)
    this.#manifestBytes = manifest
    this.manifest = decodeManifest(manifest)
    this.groupId = groupIdOf(manifest)
    this.id = toHex(this.groupId)
    this.#label = { group: this.id.slice(0, 8) }
    this.ledger = new Ledger(host.store, this.groupId)
    this.shelf = new Shelf(this.ledger, () => this.#parts?.execution ?? null)
    this.#timings = new Timings(host.meters, this.#label)
    this.#backlog = new Backlog(
      host.clock,
      (from, command) => this.#inspect(from, command),
      () => this.#current().engine.run()
    )
    this.#expiry = new Expiry(host.clock, () => this.#sweep())
    this.#offers = new Offers(
      (peer, ids, timeoutMs) => this.fetch(peer, ids, timeoutMs),
      (peer, command) => {
        this.command(peer, command)
        this.#current().engine.run()
      }
    )
    this.#serving = new Serving({
      ...{ host, groupId: this.groupId, manifestBytes: manifest, ledger: this.ledger },
      parts: () => this.#loaded(),
      epoch: () => this.#current(),
      state: () => ({ state: this.#state, reason: this.#reason }),
      submit: (command) => this.submit(command)
    })
    this.#proceedings = new Proceedings({
      host,
      group: this.id,
      groupId: this.groupId,
      label: this.#label,
      concerns: (key, epoch) => this.#concerns(key, epoch),
      emit: (event) => this.#emit(event),
      onLiar: (evidence, isNew) => this.#liar(evidence, isNew),
      onSelf: ({ view }) => this.#current().heardSelf(view)
    })
  }

  /** Where clients of the group are served: its own user, and peers that are no members. */
  get serving(): Serving {
    return this.#serving
  }

  /** Resolves when the group has read its past and begun to look for its members, or has halted. */
  async start(): Promise<void> {
    const logic = lifecycle.provide({
      actors: {
        load: fromPromise(() => this.#load()),
        catchUp: fromPromise(() => this.#catchUp()),
        follow: fromPromise(({ signal }) => this.#follow(signal))
      },
      actions: {
        became: ({ context }, { state }) => this.#became(state, context.reason ?? context.muted),
        join: () => this.#join(),
        startVoting: () => this.#current().setVoting(true),
        stopVoting: () => this.#current().setVoting(false)
      }
    })
    this.#actor = this.#host.kernel.spawn(`sys/quorum/${this.id}`, logic, {
      strategy: 'stop',
      onFailed: ({ error }) => this.#became('halted', messageOf(error))
    })
    await this.#ready.promise
  }

  async stop(): Promise<void> {
    this.#actor?.stop()
    this.#gossip?.stop()
    this.#unpin?.()
    this.#proceedings.stop()
    const epoch = this.#epochs?.current
    this.#epochs?.stop()
    this.#backlog.stop()
    this.#offers.stop()
    this.#expiry.stop()
    this.#parts?.intake.stop('BRUME_QUORUM_STOPPED', 'the group was stopped on this peer')
    this.#parts?.execution.stop()
    await this.#parts?.delivery.written()
    await this.#parts?.execution.stored()
    await epoch?.park()
  }

  onEvent(listener: (event: GroupEvent) => void): Cancel {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** @throws QuorumError where the command is not taken; its promises tell the rest. */
  submit(command: Uint8Array): Submission {
    if (this.#state === 'halted')
      throw new QuorumError('BRUME_QUORUM_HALTED', this.#reason ?? 'the group is halted here')
    const { intake } = this.#loaded()
    const { engine, sending } = this.#current()
    const before = intake.pool.version
    const submission = intake.submit(command, this.#wallMs())
    if (intake.pool.version !== before) {
      sending.command('all', command)
      this.#poolChanged()
      engine.run()
    }
    return submission
  }

  status(): GroupStatus {
    const epoch = this.#parts === null ? undefined : this.#epochs?.current
    const state = epoch?.engine.state
    const committee = epoch?.committee ?? this.#committee
    const { total, faults, quorum } = committee
    const { members, next } = this.#parts?.register.membership ?? {
      members: this.manifest.members,
      next: this.manifest.members
    }
    return {
      group: this.id,
      name: this.manifest.name,
      state: this.#state,
      reason: this.#reason,
      members: members.map(({ peer, weight }, index) => {
        const self = peer === this.#host.identity.peerId
        return { index, peer, weight, self, connected: self || epoch?.isConnected(index) === true }
      }),
      weight: { total, faults, quorum },
      epoch: committee.epoch,
      next: next.map(({ peer, weight }) => ({ peer, weight })),
      view: state?.view ?? 0,
      height: state?.final.height ?? 0,
      digest: state?.final.digest ?? '',
      deltaMs: state?.deltaMs ?? this.manifest.pace.deltaMs,
      dormant: state?.active !== true,
      pool: this.#parts?.intake.pool.size ?? 0,
      latencyMs: this.#timings.medianMs(),
      execution: {
        state: this.execution?.state ?? 'running',
        reason: this.execution?.reason ?? null,
        height: this.execution?.height ?? 0,
        checkpoint: this.execution?.checkpoints.at(-1)?.certificate.height ?? 0
      }
    }
  }

  /** The quorum's own replicated state; null before the group has read its past. */
  get record(): Register | null {
    return this.#parts?.register ?? null
  }

  /** What is replicated, and what it came to; null before the group has read its past. */
  get execution(): Execution | null {
    return this.#parts?.execution ?? null
  }

  build(epoch: Epoch, request: Extract<Effect, { type: 'build' }>): Proposal | null {
    const { intake, execution } = this.#loaded()
    this.#isHeldUp ||= !request.empty && execution.backlog > UNEXECUTED_MAX
    if (this.#isHeldUp && !request.empty) return null
    const proposal = intake.build(request, this.#wallMs(), this.#affordable(epoch))
    if (proposal === null) return null
    const { view, height, digest, commands } = proposal
    this.#emit({ type: 'proposed', view, height, digest, commands })
    return proposal
  }

  oldest(): readonly Uint8Array[] {
    return this.#loaded()
      .intake.oldest()
      .map(({ bytes }) => bytes)
  }

  /**
   * Commands that members inspect within half of Delta, should they see them in the block first: then its
   * votes come within the deadlines, however busy the machines are.
   */
  #affordable({ engine }: Epoch): number {
    return Math.floor(engine.state.deltaMs / 2 / Math.max(this.#backlog.costMs, COMMAND_COST_LEAST_MS))
  }

  proposed(proposal: Proposal): void {
    for (const { id } of bodyOf(proposal).commands) this.#backlog.remove(id)
    if (this.#loaded().intake.learn(proposal)) this.#poolChanged()
  }

  command(from: PeerId, command: Uint8Array): void {
    if (!this.#backlog.add(from, command)) this.dropped('BRUME_QUORUM_POOL_FULL')
  }

  offered(from: PeerId, id: string): void {
    if (this.find(id) === undefined && !this.#offers.add(from, id)) this.dropped('BRUME_QUORUM_POOL_FULL')
  }

  find(id: string): Uint8Array | undefined {
    return (this.#parts?.intake.pool.get(id) ?? this.#backlog.get(id))?.bytes
  }

  /** Of each of these commands, if it waits here or is in a block that others may still lack. */
  commands(ids: readonly string[]): readonly (Uint8Array | undefined)[] {
    const waiting = ids.map((id) => this.find(id))
    if (!waiting.includes(undefined) || this.#epochs === null) return waiting
    const { views, past } = this.#epochs.current.engine.state
    const held = [...past, ...views].flatMap((view) => view?.held ?? [])
    const ordered = new Map(
      held.flatMap(({ proposal }) => bodyOf(proposal).commands.map(({ id, bytes }) => [id, bytes] as const))
    )
    return waiting.map((bytes, i) => bytes ?? ordered.get(ids[i] ?? ''))
  }

  async fetch(from: PeerId, ids: readonly string[], timeoutMs: number): Promise<ReadonlyMap<string, Uint8Array>> {
    const body = encodeCommandsRequest({ groupId: this.groupId, ids })
    return decodeCommandsAnswer(ids, await this.#host.net.request(from, COMMANDS_PROTOCOL, body, { timeoutMs }))
  }

  #inspect(from: PeerId, command: Command): void {
    const { intake } = this.#loaded()
    const before = intake.pool.version
    try {
      intake.receive(from, command, this.#wallMs())
    } catch (error) {
      if (!(error instanceof QuorumError)) throw error
      this.dropped(error.code)
    }
    if (intake.pool.version !== before) this.#poolChanged()
  }

  /** From whoever it comes, it must be one that the group takes; an observer only hands it on. */
  #gossiped(from: PeerId, command: Uint8Array): Verdict {
    const { intake } = this.#loaded()
    const before = intake.pool.version
    try {
      const taken = { id: toHex(commandId(command)), bytes: command }
      if (this.#current().self === null) return 'code' in intake.inspect(command) ? 'reject' : 'accept'
      intake.receive(from, taken, this.#wallMs())
    } catch (error) {
      if (!(error instanceof QuorumError)) throw error
      this.dropped(error.code)
      return BAD_COMMANDS.has(error.code) ? 'reject' : 'ignore'
    }
    if (intake.pool.version === before) return 'ignore'
    this.#poolChanged()
    return 'accept'
  }

  notarized(epoch: Epoch, proposal: Proposal): void {
    if (!this.#isCurrent(epoch)) return
    const { view, height, digest, commands } = proposal
    this.#loaded().intake.notarized(proposal)
    this.#serving.notarized(epoch, proposal)
    this.#emit({ type: 'notarized', view, height, digest, commands })
  }

  finalized(epoch: Epoch, blocks: readonly Held[]): void {
    // What follows a closing block in its own epoch is of no consequence.
    if (!this.#isCurrent(epoch)) return
    const { final } = epoch.engine.state
    this.#gossip?.finalized(epoch)
    this.#take(epoch, blocks, final)
    this.#serving.passed()
    if (!this.#isCurrent(epoch)) return
    const passed = epoch.persistence.passed(final.view, () => this.#beforeRelease(final))
    passed.catch((error: unknown) => this.#tell({ type: 'store.failed', reason: messageOf(error) }))
  }

  entered(epoch: Epoch, view: number, by: Extract<Effect, { type: 'entered' }>['by']): void {
    if (!this.#isCurrent(epoch)) return
    const { meters } = this.#host
    meters.view.set(this.#label, view)
    meters.views.inc({ ...this.#label, end: by })
    if (by === 'nullification') this.#emit({ type: 'nullified', view: view - 1 })
  }

  linked(epoch: Epoch): void {
    if (!this.#isCurrent(epoch)) return
    const isPresent = (member: number) => this.#gossip?.isPresent(epoch, member) === true
    if (epoch.reachedWeight(isPresent) >= epoch.committee.quorum) this.#tell({ type: 'quorum.reached' })
  }

  behind(epoch: Epoch): void {
    if (this.#isCurrent(epoch)) this.#tell({ type: 'fell.behind' })
  }

  announced(peer: PeerId, epoch: number): void {
    this.#epochs?.announced(peer, epoch)
  }

  early(epoch: Epoch, from: PeerId, frame: Frame): void {
    const kept = this.#isCurrent(epoch) && this.#epochs?.early(from, frame) === true
    if (!kept) this.dropped('epoch')
  }

  conflicted({ committee }: Epoch, a: Vote, b: Vote): void {
    this.#proceedings.conflict(committee, a, b)
  }

  outcomes(epoch: Epoch, member: number, outcomes: Outcomes): void {
    this.#loaded().execution.heard(epoch.seat, member, outcomes)
  }

  attestationAsked(epoch: Epoch, member: number, view: number): void {
    this.#loaded().execution.asked(epoch.seat, member, view)
  }

  dropped(cause: string): void {
    this.#host.meters.dropped.inc({ ...this.#label, cause })
  }

  aloud(epoch: Epoch, frame: Frame): boolean {
    return this.#isCurrent(epoch) && this.#gossip?.said(epoch, frame) === true
  }

  ticked(epoch: Epoch = this.#current()): void {
    if (this.#isCurrent(epoch)) this.#gossip?.ticked(epoch)
    this.#sweep()
  }

  #sweep(): void {
    const { intake } = this.#loaded()
    if (intake.pool.size > 0 && intake.sweep(this.#wallMs()) > 0) this.#poolChanged()
  }

  journalFailed(error: unknown): void {
    this.#tell({ type: 'journal.failed', reason: messageOf(error) })
  }

  journalSpace(isThere: boolean, reason: string): void {
    this.#tell(isThere ? { type: 'journal.room' } : { type: 'journal.full', reason })
  }

  muted(epoch: Epoch, reason: string): void {
    if (this.#isCurrent(epoch)) this.#tell({ type: 'muted', reason })
  }

  twinHeard(_: Epoch, reason: string): void {
    this.#tell({ type: 'twin.heard', reason })
  }

  async #load(): Promise<{ readonly isMember: boolean }> {
    const genesis: Final = { view: 0, height: 0, digest: this.id, timeMs: 0, certificate: null }
    const { groupId, manifest, ledger } = this
    const parts = await load({
      ...{ host: this.#host, groupId, manifest, manifestBytes: this.#manifestBytes, genesis, ledger },
      program: this.#program,
      surroundings: this.#surroundings(),
      failed: (error) => this.#tell({ type: 'store.failed', reason: messageOf(error) })
    })
    const { judge, register, final, isFirst } = parts
    this.#parts = parts
    this.#epochs = new Epochs({
      ...{ host: this.#host, owner: this, groupId, pace: manifest.pace, judge, register },
      timings: this.#timings,
      label: this.#label,
      onLate: () => this.#tell({ type: 'fell.behind' })
    })
    const { self, epoch } = this.#epochs.open(final, isFirst)
    this.#current().due(parts.execution.dueMs)
    const before = [epoch - 1, epoch - 2, epoch - 3].filter((number) => number >= 0)
    this.#epochs.remember(await parts.delivery.committeesOf(before))
    return { isMember: self !== null }
  }

  /** What the execution has from here. */
  #surroundings(): Surroundings {
    const { net, log } = this.#host
    return {
      seatOf: (epoch) => this.#epochs?.find(epoch)?.seat ?? null,
      epoch: () => this.#current().epoch,
      transfer: {
        net,
        groupId: this.groupId,
        servers: () => this.#current().connected(),
        committeeOf: (epoch) => this.#epochs?.committeeOf(epoch) ?? null,
        blame: (peer, what) => {
          this.dropped('bad hash')
          log.warn({ group: this.id, peer, what }, 'a member sent what no honest one has')
        }
      },
      onState: (state, reason) => this.#executionBecame(state, reason),
      onUnrestored: (error) => log.info({ group: this.id, error }, 'no state to restore from yet'),
      onExecuted: () => this.#executed(),
      onCheckpoints: (kept) => this.#checkpointed(kept),
      onDropped: (cause) => this.dropped(cause),
      onContradicted: (committee, a, b) => this.#proceedings.conflictingStates(committee, a, b)
    }
  }

  #join(): void {
    this.#epochs?.join()
    const { net, clock, journal, votesBy = null } = this.#host
    this.#gossip = new GroupGossip({
      ...{ net, clock, votesBy, groupId: this.groupId },
      epoch: () => this.#current(),
      evidence: (from, content) => this.#proceedings.receive(from, content),
      command: (from, command) => this.#gossiped(from, command),
      news: (from) => {
        this.#informant = from
        this.#wake()
      },
      present: (epoch) => this.linked(epoch),
      sign: (bytes) => this.#host.identity.sign(bytes),
      dropped: (cause) => this.dropped(cause)
    })
    this.#unpin = journal?.onPinned(() => void this.#restate())
    this.#proceedings.open(this.#gossip.topic)
    this.linked(this.#current())
  }

  /** Of whom evidence is of use: it may still cost a member or candidate its place. */
  #concerns(key: Uint8Array, epoch: number): boolean {
    const at = this.#current().epoch
    return Math.abs(epoch - at) <= 1 && isKnown(this.#loaded().register.membership, key)
  }

  /** The reducer stops waiting for a liar, and the group is asked to form a committee without it. */
  #liar(evidence: Evidence, isNew: boolean): void {
    const { committee, self } = this.#current()
    const { key, epoch, view } = evidence
    const member = committee.members.findIndex((candidate) => equal(candidate.key, key))
    if (member !== -1 && epoch === committee.epoch) this.#current().convict(member)
    if (member !== -1 && isNew) this.#emit({ type: 'equivocated', signer: member, view })
    if (self !== null) this.#accuse(evidence)
  }

  /** Until the record has it: commands expire where a group has halted. */
  #accuse(evidence: Evidence): void {
    const { warrants } = this.#loaded().register.membership
    if (this.#state === 'halted' || warrants.some(({ key }) => equal(key, evidence.key))) return
    try {
      const { notarized, final } = this.submit(accusation(evidence, this.#host.identity, this.#wallMs()))
      notarized.catch(() => {})
      final.catch((error: unknown) => {
        if (error instanceof QuorumError && error.code === 'BRUME_QUORUM_EXPIRED') this.#accuse(evidence)
      })
    } catch (error) {
      if (!(error instanceof QuorumError)) throw error
      this.dropped(error.code)
    }
  }

  /** Final blocks, however they came: to the ledger, the program, those who wait, and those who watch. */
  #take(epoch: Epoch, all: readonly FinalBlock[], newest: Final): void {
    const { intake, delivery } = this.#loaded()
    const { meters, clock } = this.#host
    const delivered = this.#deliver(() => delivery.final(all, newest))
    if (delivered === null) return
    const { blocks, final, turn } = delivered
    const proposals = blocks.map(({ proposal }) => proposal)
    const expired = intake.final(blocks)
    meters.height.set(this.#label, final.height)
    meters.commands.inc({ ...this.#label, result: 'expired' }, expired)
    if (turn !== null) this.#turn(final, turn)
    this.#poolChanged()
    for (const proposal of proposals) {
      const { view, height, digest } = proposal
      const commands = bodyOf(proposal).commands.map(({ id }) => id)
      meters.commands.inc({ ...this.#label, result: 'final' }, commands.length)
      this.#timings.passed(digest, 'final', clock.now())
      this.#emit({ type: 'final', view, height, digest, commands, leader: epoch.leaderOf(view) })
    }
    this.#serving.finalized(blocks, all.slice(blocks.length), newest)
    if (turn !== null) this.#began(final)
  }

  /** Blocks that do not follow are a fault of this program: nothing more is done, and nothing was written. */
  #deliver(deliver: () => Delivered): Delivered | null {
    try {
      return deliver()
    } catch (error) {
      this.#current().engine.stop()
      this.#tell({ type: 'store.failed', reason: `blocks in the wrong order: ${messageOf(error)}` })
      return null
    }
  }

  /** An epoch has closed. Votes of the next wait until its beginning is on disk, or a restart would not know of it. */
  #turn(genesis: Final, { failure }: Turnover): void {
    const saw = this.#state === 'voting' || this.#state === 'observing'
    this.#epochs?.turn(genesis, saw).due(this.#loaded().execution.dueMs)
    this.#secured = this.#secure(genesis)
    if (failure === null) return
    const { log, meters } = this.#host
    meters.formations.inc({ ...this.#label, reason: failure.reason })
    log.error({ group: this.id, ...failure }, 'formation failed: the committee goes on as it is')
  }

  #began({ height }: Final): void {
    const { epoch, self, engine } = this.#current()
    const isMember = self !== null
    this.#emit({ type: 'epoch', epoch, height, isMember })
    engine.run()
    this.#secured
      .then(() => {
        this.#tell({ type: 'epoch.opened', isMember })
        return this.#release()
      })
      .catch((error: unknown) => this.#tell({ type: 'store.failed', reason: messageOf(error) }))
  }

  #executionBecame(state: ExecutionState, reason: string | null): void {
    const { log, meters } = this.#host
    for (const each of EXECUTION_STATES) meters.execution.set({ ...this.#label, state: each }, each === state ? 1 : 0)
    if (state !== 'running') log.error({ group: this.id, state, reason }, 'what is replicated is halted on this peer')
    this.#emit({ type: 'execution', state, reason })
  }

  /** The program wants a block at another time now, and a leader that waited for it may go on. */
  #executed(): void {
    const { execution, intake } = this.#loaded()
    this.#host.meters.executionLag.set(this.#label, execution.lag)
    this.#host.meters.checkpointLag.set(this.#label, this.#checkpointLag(execution))
    this.#current().due(execution.dueMs)
    if (this.#isHeldUp && execution.backlog <= UNEXECUTED_MAX / 2) {
      this.#isHeldUp = false
      intake.pool.version += 1
      this.#poolChanged()
    }
    this.#current().engine.run()
  }

  /** Those that closing blocks add are not counted: one that is missing is superseded by the next. */
  #checkpointLag({ checkpoints, height }: Execution): number {
    const certified = checkpoints.at(-1)?.certificate.height ?? 0
    return Math.max(0, Math.floor((height - certified) / this.manifest.pace.checkpointBlocks))
  }

  /** Whoever needs what lies below the older checkpoint takes that instead. */
  #checkpointed(kept: readonly Kept[]): void {
    const [older] = kept
    const { delivery, execution } = this.#loaded()
    if (kept.length < 2 || older === undefined) return
    const { height } = older.certificate
    const to = execution.state === 'running' ? Math.min(height, execution.height) : height
    const pruned = delivery.written().then(() => this.ledger.prune(to))
    pruned.catch((error: unknown) => this.#tell({ type: 'store.failed', reason: messageOf(error) }))
  }

  /** The epoch before is over for good: what was said in it will never be asked for again. */
  async #release(): Promise<void> {
    const { persistence } = this.#current()
    await this.#proceedings.restate()
    persistence.began()
  }

  /** Other groups fill the journal: what this one still needs is written anew, or they could let nothing go. */
  async #restate(): Promise<void> {
    const epoch = this.#current()
    const { self, engine } = epoch
    if (self === null) return this.#host.journal?.letGo()
    try {
      const { final } = engine.state
      await this.#beforeRelease(final)
      // What became final meanwhile is not durable yet, and a group that finalizes lets go by itself.
      if (engine.state.final === final && epoch === this.#current()) await epoch.restate()
    } catch (error) {
      this.#tell({ type: 'store.failed', reason: messageOf(error) })
    }
  }

  /** Records of what is final are about to go: what outlives them must be elsewhere. */
  async #beforeRelease(final: Final): Promise<void> {
    await this.#secure(final)
    await this.#proceedings.restate()
  }

  #secure(final: Final): Promise<void> {
    return this.#loaded()
      .delivery.written()
      .then(() => this.ledger.secure(final))
  }

  async #catchUp(): Promise<{ readonly muted: string | null }> {
    for (;;) {
      await this.#epochs?.told()
      await this.#fetch(() => this.#epochs?.ahead() ?? [])
      await this.#secured
      const epoch = this.#current()
      const muted = await epoch.mayVote()
      // While others were asked what this key has said, they may have told how far they are.
      const { digest } = epoch.engine.state.final
      if (this.#epochs?.isLateBy(1) === true) await this.#fetch(() => this.#epochs?.ahead() ?? [])
      if (this.#isCurrent(epoch) && epoch.engine.state.final.digest === digest) return { muted }
    }
  }

  #fetch(servers: () => readonly PeerId[]): Promise<void> {
    return catchUp({
      net: this.#host.net,
      servers,
      floor: () => {
        const { committee, final } = this.#drained()
        return { committee, nextHash: this.#loaded().register.nextHash, final }
      },
      adopt: (chapter) => this.#adopt(chapter),
      skip: (peer) => this.#skip(peer),
      lacks: () => this.#current().engine.state.ahead !== null
    })
  }

  /** The floor, once everything that was heard has had its effect: what is fetched above it is then in nobody's hands. */
  #drained(): { readonly committee: Committee; readonly final: Final } {
    // An epoch that closes in this turn leaves what was heard of the next.
    for (let epoch: Epoch | null = null; epoch !== this.#current(); ) {
      epoch = this.#current()
      epoch.engine.run()
    }
    const { committee, engine } = this.#current()
    return { committee, final: engine.state.final }
  }

  /** Where blocks are gone, from the newest checkpoint of a peer: the order at once, the program beside it. */
  async #skip(peer: PeerId): Promise<boolean> {
    const { committee, final: before } = this.#drained()
    const { policy } = this.manifest
    const skip = await fetchSkip({ net: this.#host.net, peer, committee, policy }, before.height)
    if (skip === null) return false
    const now = this.#drained()
    // Votes have come further meanwhile: there may be more to have by blocks.
    if (now.committee.epoch !== committee.epoch || now.final.height >= skip.record.height) return true
    const { record, committees, checkpoint } = skip
    const final = floorOf(checkpoint.place, record, checkpoint.finalization)
    this.#epochs?.remember(committees)
    this.#secured = this.#loaded().delivery.skip(skip, final)
    if (record.membership.epoch === committee.epoch) {
      this.#current().adopt(final)
    } else {
      this.#epochs?.turn(final, false)
      this.#began(final)
    }
    this.#host.meters.height.set(this.#label, final.height)
    this.#poolChanged()
    await this.#secured
    return true
  }

  /**
   * An observer hears nobody's votes, and a member that finds no quorum may look for a committee that is long gone:
   * each asks one member after the other what is new.
   */
  async #follow(signal: AbortSignal): Promise<void> {
    for (let turn = 0; !signal.aborted && (this.#state === 'joining' || this.#current().self === null); turn++) {
      if (this.#informant === null) await this.#pause(this.#state === 'joining' ? SEEK_MS : FOLLOW_MS, signal)
      if (this.#state === 'joining' && !signal.aborted) this.#gossip?.present(this.#current())
      const peers = [...this.#current().peers]
      const peer = peers[turn % peers.length]
      if (signal.aborted || peer === undefined) return
      const asked = this.#informant === null ? [peer] : [this.#informant, peer]
      this.#informant = null
      await this.#fetch(() => asked).catch((error: unknown) => {
        this.#host.log.debug({ group: this.id, asked, error }, 'no blocks from these peers')
      })
    }
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#host.clock.after(ms, resolve)
    this.#wake = () => {
      cancel()
      resolve()
    }
    signal.addEventListener('abort', this.#wake)
    return promise
  }

  #adopt({ blocks, final }: Chapter): void {
    const epoch = this.#current()
    this.#take(epoch, blocks, final)
    epoch.adopt(final)
    this.#serving.passed()
  }

  /** Work is open while commands wait, and while the epoch must close for a change to act. */
  #poolChanged(): void {
    const { intake, register } = this.#loaded()
    const { pool } = intake
    this.#host.meters.pool.set(this.#label, pool.size)
    this.#current().pool(pool.isPending || isUrgent(register.membership), pool.version)
    this.#expiry.watch(pool)
  }

  #became(state: GroupState, reason: string | null): void {
    if (state === this.#state && reason === this.#reason) return
    this.#state = state
    this.#reason = reason
    if (state !== 'loading') this.#ready.resolve()
    if (state === 'halted') {
      this.#host.log.error({ group: this.id, reason }, 'the group is halted on this peer')
      this.#epochs?.current.engine.stop()
      this.#parts?.intake.stop('BRUME_QUORUM_HALTED', reason ?? 'the group is halted')
    }
    this.#emit({ type: 'state', state, reason })
  }

  #loaded(): Parts {
    if (this.#parts === null) throw new QuorumError('BRUME_QUORUM_SYNCING', 'the group is still reading its past')
    return this.#parts
  }

  #current(): Epoch {
    if (this.#epochs === null) throw new QuorumError('BRUME_QUORUM_SYNCING', 'the group is still reading its past')
    return this.#epochs.current
  }

  #isCurrent(epoch: Epoch): boolean {
    return this.#epochs?.isCurrent(epoch) === true
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

/** Where the order goes on: at a closing block the next epoch does, at its beginning. */
function floorOf(
  { view, epoch, height, digest }: Header,
  record: QuorumRecord,
  certificate: Certificate | null
): Final {
  const { timeMs, membership } = record
  const isClosed = membership.epoch !== epoch
  return { view: isClosed ? 0 : view, height, digest, timeMs, certificate: isClosed ? null : certificate }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
