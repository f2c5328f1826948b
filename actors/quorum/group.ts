import type { Committee } from '@brume/consensus'
import type { Cancel } from '@brume/ports'
import { committeeOf, type Manifest } from '@brume/protocols/quorum'
import type { SystemRef } from '@brume/runtime'
import { fromPromise } from 'xstate'
import { Finality } from './blocks/finality.ts'
import type { Ledger } from './blocks/ledger.ts'
import { Pursuit } from './blocks/pursuit.ts'
import { Shelf } from './checkpoints/serving.ts'
import { Serving } from './clients/serving.ts'
import { Supply } from './commands/supply.ts'
import { Core, messageOf } from './core.ts'
import { Epochs } from './epochs.ts'
import type { GroupEvent, GroupState, GroupStatus, Submission } from './events.ts'
import { Charges } from './evidence/charges.ts'
import { Proceedings } from './evidence/proceedings.ts'
import type { Execution } from './execution/execution.ts'
import { surroundingsOf } from './execution/surroundings.ts'
import { GroupGossip } from './gossip/gossip.ts'
import type { Host } from './host.ts'
import { Keeper } from './keeper.ts'
import { load } from './load.ts'
import { lifecycle } from './machine.ts'
import type { Program } from './ports.ts'
import type { Register } from './record/register.ts'
import { statusOf } from './status.ts'

/**
 * One group on one peer: its life, and what outlives its epochs put together. Votes go from the streams to an
 * `Epoch` and back; what became final goes to `Finality`, and what waits is in `Supply`.
 */
export class Group {
  /** What other members fetch in bulk. */
  readonly shelf: Shelf
  /** Where clients of the group are served: its own user, and peers that are no members. */
  readonly serving: Serving
  readonly #core: Core
  readonly #program: Program
  readonly #founders: Committee
  readonly #supply: Supply
  readonly #finality: Finality
  readonly #pursuit: Pursuit
  readonly #proceedings: Proceedings
  readonly #keeper: Keeper
  readonly #ready = Promise.withResolvers<void>()
  #actor: SystemRef<typeof lifecycle> | null = null
  #unpin: Cancel | undefined

  constructor(manifest: Uint8Array, program: Program, host: Host) {
    this.#program = program
    this.#founders = committeeOf(manifest)
    const core = new Core(manifest, host)
    this.#core = core
    core.tell = (event) => this.#actor?.send(event)
    this.shelf = new Shelf(core.ledger, () => this.execution)
    this.#supply = new Supply(core)
    this.serving = this.#makeServing()
    this.#proceedings = this.#makeProceedings()
    const rooms = { supply: this.#supply, serving: this.serving, proceedings: this.#proceedings }
    this.#finality = new Finality(core, rooms)
    this.#pursuit = new Pursuit(core, this.#finality)
    this.#keeper = new Keeper(core, { ...rooms, finality: this.#finality })
  }

  get id(): string {
    return this.#core.id
  }

  get groupId(): Uint8Array {
    return this.#core.groupId
  }

  get manifest(): Manifest {
    return this.#core.manifest
  }

  get ledger(): Ledger {
    return this.#core.ledger
  }

  /** The quorum's own replicated state; null before the group has read its past. */
  get record(): Register | null {
    return this.#core.parts?.register ?? null
  }

  /** What is replicated, and what it came to; null before the group has read its past. */
  get execution(): Execution | null {
    return this.#core.parts?.execution ?? null
  }

  /** Resolves when the group has read its past and begun to look for its members, or has halted. */
  async start(): Promise<void> {
    const core = this.#core
    const logic = lifecycle.provide({
      actors: {
        load: fromPromise(({ signal }) => this.#load(signal)),
        catchUp: fromPromise(() => this.#pursuit.catchUp()),
        follow: fromPromise(({ signal }) => this.#pursuit.follow(signal))
      },
      actions: {
        became: ({ context }, { state }) => this.#became(state, context.reason ?? context.muted),
        join: () => this.#join(),
        startVoting: () => core.current.setVoting(true),
        stopVoting: () => core.current.setVoting(false)
      }
    })
    this.#actor = core.host.kernel.spawn(`sys/quorum/${core.id}`, logic, {
      strategy: 'stop',
      onFailed: ({ error }) => this.#became('halted', messageOf(error))
    })
    await this.#ready.promise
  }

  async stop(): Promise<void> {
    const { parts, epochs, gossip } = this.#core
    this.#actor?.stop()
    gossip?.stop()
    this.#unpin?.()
    this.#proceedings.stop()
    const epoch = parts === null ? undefined : epochs?.current
    epochs?.stop()
    this.#supply.stop()
    parts?.intake.stop('BRUME_QUORUM_STOPPED', 'the group was stopped on this peer')
    parts?.execution.stop()
    await parts?.delivery.written()
    await parts?.execution.stored()
    await epoch?.park()
  }

  onEvent(listener: (event: GroupEvent) => void): Cancel {
    return this.#core.onEvent(listener)
  }

  /** @throws QuorumError where the command is not taken; its promises tell the rest. */
  submit(command: Uint8Array): Submission {
    return this.#supply.submit(command)
  }

  status(): GroupStatus {
    return statusOf(this.#core, this.#founders)
  }

  /** Of each of these commands, if it waits here or is in a block that others may still lack. */
  commands(ids: readonly string[]): readonly (Uint8Array | undefined)[] {
    return this.#supply.findAll(ids)
  }

  #makeServing(): Serving {
    const core = this.#core
    const { host, groupId, manifestBytes, ledger } = core
    return new Serving({
      ...{ host, groupId, manifestBytes, ledger },
      parts: () => core.loaded,
      epoch: () => core.current,
      floor: () => core.floor,
      state: () => core,
      submit: (command) => this.submit(command)
    })
  }

  #makeProceedings(): Proceedings {
    const core = this.#core
    const { host, id, groupId, label } = core
    const charges = new Charges(core, (command) => this.submit(command))
    return new Proceedings({
      ...{ host, group: id, groupId, label },
      concerns: (key, epoch) => charges.concerns(key, epoch),
      emit: (event) => core.emit(event),
      onLiar: (evidence) => charges.bring(evidence),
      onSelf: ({ view }) => core.current.heardSelf(view)
    })
  }

  async #load(signal: AbortSignal): Promise<{ readonly isMember: boolean }> {
    const core = this.#core
    const { host, groupId, manifest, manifestBytes, genesis, ledger, timings, label } = core
    const parts = await load({
      ...{ host, groupId, manifest, manifestBytes, genesis, ledger },
      program: this.#program,
      surroundings: surroundingsOf(core, this.#supply, this.#proceedings),
      failed: (error) => core.failed(error),
      damaged: (reason) => this.#became('damaged', reason),
      signal
    })
    const { judge, register, final, isFirst } = parts
    core.parts = parts
    const epochs = new Epochs({
      ...{ host, owner: this.#keeper, groupId, pace: manifest.pace, judge, register, timings, label },
      onLate: () => core.tell({ type: 'fell.behind' })
    })
    core.epochs = epochs
    const opened = epochs.open(final, isFirst)
    opened.due(parts.execution.dueMs)
    const before = [1, 2, 3].map((back) => opened.epoch - back).filter((number) => number >= 0)
    epochs.remember([...parts.committees, ...(await parts.delivery.committeesOf(before))])
    return { isMember: opened.self !== null }
  }

  #join(): void {
    const core = this.#core
    core.epochs?.join()
    const { net, clock, journal, votesBy = null } = core.host
    const gossip = new GroupGossip({
      ...{ net, clock, votesBy, groupId: core.groupId },
      epoch: () => core.current,
      evidence: (from, content) => this.#proceedings.receive(from, content),
      command: (from, command) => this.#supply.gossiped(from, command),
      news: (from) => this.#pursuit.news(from),
      present: (epoch) => this.#keeper.linked(epoch),
      sign: (bytes) => core.host.identity.sign(bytes),
      dropped: (cause) => core.dropped(cause)
    })
    core.gossip = gossip
    this.#unpin = journal?.onPinned(() => void this.#finality.restate())
    this.#proceedings.open(gossip.topic)
    this.#keeper.linked(core.current)
  }

  #became(state: GroupState, reason: string | null): void {
    const core = this.#core
    if (state === core.state && reason === core.reason) return
    core.state = state
    core.reason = reason
    if (state !== 'loading') this.#ready.resolve()
    if (state === 'halted') {
      core.host.log.error({ group: core.id, reason }, 'the group is halted on this peer')
      core.epochs?.current.engine.stop()
      core.parts?.intake.stop('BRUME_QUORUM_HALTED', reason ?? 'the group is halted')
    }
    core.emit({ type: 'state', state, reason })
  }
}
