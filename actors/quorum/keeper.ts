import type { Effect, Held, Proposal, Vote } from '@brume/consensus'
import type { PeerId } from '@brume/ports'
import type { Frame, Outcomes } from '@brume/protocols/quorum'
import type { Finality } from './blocks/finality.ts'
import type { Serving } from './clients/serving.ts'
import type { Supply } from './commands/supply.ts'
import { type Core, messageOf } from './core.ts'
import type { Epoch } from './epoch.ts'
import type { Proceedings } from './evidence/proceedings.ts'
import type { Owner } from './owner.ts'

/** What a group is made of. */
export interface Rooms {
  readonly supply: Supply
  readonly finality: Finality
  readonly serving: Serving
  readonly proceedings: Proceedings
}

/** What epochs ask of their group, each answered by the part that has it. What a closed epoch decides counts no more. */
export class Keeper implements Owner {
  readonly #core: Core
  readonly #rooms: Rooms

  constructor(core: Core, rooms: Rooms) {
    this.#core = core
    this.#rooms = rooms
  }

  build(epoch: Epoch, request: Extract<Effect, { type: 'build' }>): Proposal | null {
    const proposal = this.#rooms.supply.build(epoch, request)
    if (proposal === null) return null
    const { view, height, digest, commands } = proposal
    this.#core.emit({ type: 'proposed', view, height, digest, commands })
    return proposal
  }

  oldest(): readonly Uint8Array[] {
    return this.#rooms.supply.oldest()
  }

  proposed(proposal: Proposal): void {
    this.#rooms.supply.learn(proposal)
  }

  command(from: PeerId, command: Uint8Array): void {
    this.#rooms.supply.take(from, command)
  }

  offered(from: PeerId, id: string): void {
    this.#rooms.supply.offered(from, id)
  }

  find(id: string): Uint8Array | undefined {
    return this.#rooms.supply.find(id)
  }

  fetch(from: PeerId, ids: readonly string[], timeoutMs: number): Promise<ReadonlyMap<string, Uint8Array>> {
    return this.#rooms.supply.fetch(from, ids, timeoutMs)
  }

  notarized(epoch: Epoch, proposal: Proposal): void {
    if (!this.#core.isCurrent(epoch)) return
    const { view, height, digest, commands } = proposal
    this.#core.loaded.intake.notarized(proposal)
    this.#rooms.serving.notarized(epoch, proposal)
    this.#core.emit({ type: 'notarized', view, height, digest, commands })
  }

  finalized(epoch: Epoch, blocks: readonly Held[]): void {
    // What follows a closing block in its own epoch is of no consequence.
    if (!this.#core.isCurrent(epoch)) return
    this.#core.gossip?.finalized(epoch)
    this.#rooms.finality.finalized(epoch, blocks)
  }

  entered(epoch: Epoch, view: number, by: Extract<Effect, { type: 'entered' }>['by']): void {
    if (!this.#core.isCurrent(epoch)) return
    const { host, label } = this.#core
    host.meters.view.set(label, view)
    host.meters.views.inc({ ...label, end: by })
    if (by === 'nullification') this.#core.emit({ type: 'nullified', view: view - 1 })
  }

  linked(epoch: Epoch): void {
    const { gossip, state } = this.#core
    // Only who has not begun waits for a quorum.
    if (!this.#core.isCurrent(epoch) || state !== 'joining') return
    gossip?.linked(epoch)
    const isPresent = (member: number) => gossip?.isPresent(epoch, member) === true
    if (epoch.reachedWeight(isPresent) >= epoch.committee.quorum) this.#core.tell({ type: 'quorum.reached' })
  }

  behind(epoch: Epoch): void {
    if (this.#core.isCurrent(epoch)) this.#core.tell({ type: 'fell.behind' })
  }

  announced(peer: PeerId, epoch: number): void {
    this.#core.epochs?.announced(peer, epoch)
  }

  early(epoch: Epoch, from: PeerId, frame: Frame): void {
    const kept = this.#core.isCurrent(epoch) && this.#core.epochs?.early(from, frame) === true
    if (!kept) this.dropped('epoch')
  }

  conflicted({ committee }: Epoch, a: Vote, b: Vote): void {
    this.#rooms.proceedings.conflict(committee, a, b)
  }

  outcomes(epoch: Epoch, member: number, outcomes: Outcomes): void {
    this.#core.loaded.execution.heard(epoch.seat, member, outcomes)
  }

  attestationAsked(epoch: Epoch, member: number, view: number): void {
    this.#core.loaded.execution.asked(epoch.seat, member, view)
  }

  dropped(cause: string): void {
    this.#core.dropped(cause)
  }

  aloud(epoch: Epoch, frame: Frame): boolean {
    return this.#core.isCurrent(epoch) && this.#core.gossip?.said(epoch, frame) === true
  }

  ticked(epoch: Epoch): void {
    if (this.#core.isCurrent(epoch)) this.#core.gossip?.ticked(epoch)
    this.#rooms.supply.sweep()
  }

  journalFailed(error: unknown): void {
    this.#core.tell({ type: 'journal.failed', reason: messageOf(error) })
  }

  journalSpace(isThere: boolean, reason: string): void {
    this.#core.tell(isThere ? { type: 'journal.room' } : { type: 'journal.full', reason })
  }

  muted(epoch: Epoch, reason: string): void {
    if (this.#core.isCurrent(epoch)) this.#core.tell({ type: 'muted', reason })
  }

  twinHeard(_: Epoch, reason: string): void {
    this.#core.tell({ type: 'twin.heard', reason })
  }
}
