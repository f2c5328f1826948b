import { toHex } from '@brume/codec'
import type { Committee, Effect, Final, Held, Proposal, Vote } from '@brume/consensus'
import type { Cancel, PeerId } from '@brume/ports'
import {
  bodyOf,
  committeeOf,
  decodeManifest,
  groupIdOf,
  type Manifest,
  type ManifestMember
} from '@brume/protocols/quorum'
import type { Ref } from '@brume/runtime'
import { fromPromise } from 'xstate'
import { type Chapter, catchUp } from './blocks/catch-up.ts'
import { type FinalBlock, Ledger } from './blocks/ledger.ts'
import { Epoch, type Owner } from './epoch.ts'
import { QuorumError } from './errors.ts'
import type { GroupEvent, GroupState, GroupStatus, Submission } from './events.ts'
import { Evidence } from './evidence/evidence.ts'
import type { Host } from './host.ts'
import { load, type Parts } from './load.ts'
import { type LifecycleEvent, lifecycle } from './machine.ts'
import type { Program } from './ports.ts'
import { Timings } from './votes/timings.ts'

/**
 * One group on one peer: its life, and what outlives its epochs. Votes go from the streams to an `Epoch`
 * and back; what became final comes here, on its way to the ledger, the program and those who wait.
 */
export class Group implements Owner {
  readonly id: string
  readonly groupId: Uint8Array
  readonly manifest: Manifest
  readonly ledger: Ledger
  readonly #committee: Committee
  readonly #manifestBytes: Uint8Array
  readonly #host: Host
  readonly #program: Program
  readonly #listeners = new Set<(event: GroupEvent) => void>()
  readonly #timings: Timings
  readonly #evidence: Evidence
  readonly #label: { readonly group: string }
  #parts: Parts | null = null
  #epoch: Epoch | null = null
  #actor: Ref<typeof lifecycle> | null = null
  #state: GroupState = 'loading'
  #reason: string | null = null
  readonly #ready = Promise.withResolvers<void>()
  readonly #undo: Cancel[] = []

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
    this.#timings = new Timings(host.meters, this.#label)
    const { log, meters } = host
    this.#evidence = new Evidence({
      group: this.id,
      label: this.#label,
      log,
      meters,
      emit: (event) => this.#emit(event)
    })
  }

  /** Resolves when the group has read its past and begun to look for its members, or has halted. */
  async start(): Promise<void> {
    const logic = lifecycle.provide({
      actors: { load: fromPromise(() => this.#load()), catchUp: fromPromise(() => this.#catchUp()) },
      actions: {
        became: ({ context }, { state }) => this.#became(state, context.reason ?? context.muted),
        join: () => this.#join(),
        startVoting: () => this.#current().setVoting(true),
        stopVoting: () => this.#current().setVoting(false)
      }
    })
    this.#actor = this.#host.kernel.spawn(`sys/quorum/${this.id}`, logic, {
      input: { isMember: this.#ownMember() !== undefined },
      strategy: 'stop',
      onFailed: ({ error }) => this.#became('halted', messageOf(error))
    })
    await this.#ready.promise
  }

  async stop(): Promise<void> {
    for (const undo of this.#undo.splice(0)) undo()
    this.#actor?.stop()
    this.#epoch?.stop()
    this.#parts?.intake.stop('BRUME_QUORUM_STOPPED', 'the group was stopped on this peer')
    await this.#parts?.delivery.written()
    await this.#epoch?.park()
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
    const epoch = this.#epoch
    const state = epoch?.engine.state
    const { total, faults, quorum } = this.#committee
    return {
      group: this.id,
      name: this.manifest.name,
      state: this.#state,
      reason: this.#reason,
      members: this.manifest.members.map(({ peer, weight }, index) => {
        const self = peer === this.#host.identity.peerId
        return { index, peer, weight, self, connected: self || epoch?.isConnected(index) === true }
      }),
      weight: { total, faults, quorum },
      epoch: this.#committee.epoch,
      view: state?.view ?? 0,
      height: state?.final.height ?? 0,
      digest: state?.final.digest ?? '',
      deltaMs: state?.deltaMs ?? this.manifest.pace.deltaMs,
      dormant: state?.active !== true,
      pool: this.#parts?.intake.pool.size ?? 0,
      latencyMs: this.#timings.medianMs()
    }
  }

  build(_: Epoch, request: Extract<Effect, { type: 'build' }>): Proposal | null {
    const proposal = this.#loaded().intake.build(request, this.#wallMs())
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

  proposed(proposal: Proposal): void {
    if (this.#loaded().intake.learn(proposal)) this.#poolChanged()
  }

  command(from: PeerId, command: Uint8Array): void {
    try {
      if (this.#loaded().intake.receive(from, command, this.#wallMs())) this.#poolChanged()
    } catch (error) {
      if (!(error instanceof QuorumError)) throw error
      this.dropped(error.code)
    }
  }

  notarized(_: Epoch, proposal: Proposal): void {
    const { view, height, digest, commands } = proposal
    this.#loaded().intake.notarized(proposal)
    this.#emit({ type: 'notarized', view, height, digest, commands })
  }

  finalized({ engine, persistence }: Epoch, blocks: readonly Held[]): void {
    const { final } = engine.state
    this.#take(blocks, final)
    const { delivery } = this.#loaded()
    const passed = persistence.passed(final.view, () => delivery.written().then(() => this.ledger.secure(final)))
    passed.catch((error: unknown) => this.#tell({ type: 'store.failed', reason: messageOf(error) }))
  }

  entered(_: Epoch, view: number, by: Extract<Effect, { type: 'entered' }>['by']): void {
    const { meters } = this.#host
    meters.view.set(this.#label, view)
    meters.views.inc({ ...this.#label, end: by })
    if (by === 'nullification') this.#emit({ type: 'nullified', view: view - 1 })
  }

  linked(epoch: Epoch): void {
    if (epoch.connectedWeight() >= epoch.committee.quorum) this.#tell({ type: 'quorum.reached' })
  }

  behind(): void {
    this.#tell({ type: 'fell.behind' })
  }

  conflicted(_: Epoch, a: Vote, b: Vote): void {
    this.#evidence.conflict(a, b)
  }

  dropped(cause: string): void {
    this.#host.meters.dropped.inc({ ...this.#label, cause })
  }

  ticked(): void {
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
    if (epoch === this.#epoch) this.#tell({ type: 'muted', reason })
  }

  twinHeard(_: Epoch, reason: string): void {
    this.#tell({ type: 'twin.heard', reason })
  }

  async #load(): Promise<void> {
    const genesis: Final = { view: 0, height: 0, digest: this.id, timeMs: 0, certificate: null }
    const parts = await load({
      host: this.#host,
      manifest: this.manifest,
      manifestBytes: this.#manifestBytes,
      committee: this.#committee,
      genesis,
      ledger: this.ledger,
      program: this.#program,
      failed: (what, error) => this.#tell({ type: `${what}.failed`, reason: messageOf(error) })
    })
    const { deltaMs, minViewMs } = this.manifest.pace
    this.#parts = parts
    this.#epoch = new Epoch({
      host: this.#host,
      owner: this,
      committee: this.#committee,
      memberPeers: this.manifest.members.map(({ peer }) => peer),
      genesis,
      final: parts.final,
      remembered: parts.remembered,
      sawBeginning: parts.isFirst,
      isVolatile: this.#ownMember()?.volatile === true,
      judge: parts.judge,
      minViewMs,
      deltaMs,
      timings: this.#timings,
      label: this.#label
    })
  }

  #ownMember(): ManifestMember | undefined {
    return this.manifest.members.find(({ peer }) => peer === this.#host.identity.peerId)
  }

  #join(): void {
    const epoch = this.#current()
    epoch.join()
    this.#undo.push(this.#host.keepConnected(`quorum/${this.id}`, [...epoch.peers]))
    this.linked(epoch)
  }

  /** Final blocks, however they came: to the ledger, the program, those who wait, and those who watch. */
  #take(blocks: readonly FinalBlock[], final: Final): void {
    const { intake, delivery } = this.#loaded()
    const { meters, clock } = this.#host
    const proposals = blocks.map(({ proposal }) => proposal)
    delivery.final(blocks, final)
    const expired = intake.final(proposals)
    this.#poolChanged()
    meters.height.set(this.#label, final.height)
    meters.commands.inc({ ...this.#label, result: 'expired' }, expired)
    for (const proposal of proposals) {
      const { view, height, digest } = proposal
      const commands = bodyOf(proposal).commands.map(({ id }) => id)
      meters.commands.inc({ ...this.#label, result: 'final' }, commands.length)
      this.#timings.passed(digest, 'final', clock.now())
      this.#emit({ type: 'final', view, height, digest, commands, leader: this.#current().leaderOf(view) })
    }
  }

  async #catchUp(): Promise<{ readonly muted: string | null }> {
    const epoch = this.#current()
    const { engine, committee, memberPeers } = epoch
    await catchUp({
      net: this.#host.net,
      committee,
      peers: memberPeers,
      state: () => engine.state,
      adopt: (chapter) => this.#adopt(chapter)
    })
    return { muted: await epoch.mayVote() }
  }

  #adopt({ blocks, final }: Chapter): void {
    this.#take(blocks, final)
    this.#current().adopt(final)
  }

  #poolChanged(): void {
    const { pool } = this.#loaded().intake
    this.#host.meters.pool.set(this.#label, pool.size)
    this.#current().pool(pool.size > 0, pool.version)
  }

  #became(state: GroupState, reason: string | null): void {
    if (state === this.#state && reason === this.#reason) return
    this.#state = state
    this.#reason = reason
    if (state !== 'loading') this.#ready.resolve()
    if (state === 'halted') {
      this.#host.log.error({ group: this.id, reason }, 'the group is halted on this peer')
      this.#epoch?.engine.stop()
      this.#parts?.intake.stop('BRUME_QUORUM_HALTED', reason ?? 'the group is halted')
    }
    this.#emit({ type: 'state', state, reason })
  }

  #loaded(): Parts {
    if (this.#parts === null) throw new QuorumError('BRUME_QUORUM_SYNCING', 'the group is still reading its past')
    return this.#parts
  }

  #current(): Epoch {
    if (this.#epoch === null) throw new QuorumError('BRUME_QUORUM_SYNCING', 'the group is still reading its past')
    return this.#epoch
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
