import { type Committee, type Final, type Judge, weightOf } from '@brume/consensus'
import type { Cancel, PeerId } from '@brume/ports'
import type { Frame, ManifestMember, Membership, Pace } from '@brume/protocols/quorum'
import { Early } from './early.ts'
import { Epoch } from './epoch.ts'
import { QuorumError } from './errors.ts'
import type { Host } from './host.ts'
import type { Owner } from './owner.ts'
import type { Register } from './record/register.ts'
import { remember } from './votes/remember.ts'
import type { Timings } from './votes/timings.ts'

/** How long the epoch before still answers: who slept through its end asks by view; later it asks by height. */
const ANSWERS_MS = 600_000

/** A member one epoch behind others is about to see the end of its own by itself; so long it is left in peace. */
const LATE_MS = 2_000

/** Epochs whose checkpoints may be all there is: two of them are kept, and a closing block has one. */
const COMMITTEES_MAX = 4

export interface EpochsOptions {
  readonly host: Host
  readonly owner: Owner
  readonly groupId: Uint8Array
  readonly pace: Pace
  readonly judge: Judge
  readonly register: Register
  readonly timings: Timings
  readonly label: { readonly group: string }
  /** Others are in later epochs, and that of this member does not end. */
  readonly onLate: () => void
}

/** The epochs of one group at work: the one that decides, and the one before while it still answers. */
export class Epochs {
  readonly #options: EpochsOptions
  #current: Epoch | null = null
  #previous: { readonly epoch: Epoch; readonly cancel: Cancel } | null = null
  #early = new Early()
  readonly #announced = new Map<PeerId, number>()
  #late: Cancel | null = null
  #disconnect: Cancel | null = null
  readonly #committees = new Map<number, Committee>()
  readonly #untold: (() => void)[] = []
  #joined = false

  constructor(options: EpochsOptions) {
    this.#options = options
  }

  /** @throws QuorumError SYNCING before the group has read its past */
  get current(): Epoch {
    if (this.#current === null) throw new QuorumError('BRUME_QUORUM_SYNCING', 'the group is still reading its past')
    return this.#current
  }

  /** The epoch that the record stands in, at `final`. */
  open(final: Final, sawBeginning: boolean): Epoch {
    const { host, owner, groupId, pace, judge, register, timings, label } = this.#options
    const { membership, committee } = register
    const own = membership.members.find(({ peer }) => peer === host.identity.peerId)
    const epoch = new Epoch({
      host,
      owner,
      committee,
      memberPeers: membership.members.map(({ peer }) => peer),
      genesis: final,
      final,
      remembered: remember(host.journal, groupId, committee.epoch, final.view),
      sawBeginning,
      isVolatile: own?.volatile === true,
      judge,
      minViewMs: pace.minViewMs,
      deltaMs: pace.deltaMs,
      timings,
      label
    })
    epoch.onBatch = () => this.#heard()
    this.#current = epoch
    this.#heard()
    this.remember([committee])
    host.meters.epoch.set(label, epoch.epoch)
    host.meters.members.set(label, membership.members.length)
    return epoch
  }

  /** From here on members of this epoch, and of each that follows, are heard and answered. */
  join(): void {
    this.#joined = true
    this.current.join()
    this.#connect()
  }

  /** The members of an epoch, as far back as checkpoints are kept. */
  committeeOf(epoch: number): Committee | null {
    return this.#committees.get(epoch) ?? null
  }

  /** Committees that are known to have decided. */
  remember(committees: readonly Committee[]): void {
    for (const committee of committees) this.#committees.set(committee.epoch, committee)
    const oldest = [...this.#committees.keys()].sort((a, b) => a - b).slice(0, -COMMITTEES_MAX)
    for (const epoch of oldest) this.#committees.delete(epoch)
  }

  /** The epoch has closed: the next one begins at the block that closed it, and is at work once it is resumed. */
  turn(genesis: Final, sawBeginning: boolean): Epoch {
    const closed = this.current
    closed.close()
    this.#previous?.cancel()
    const cancel = this.#options.host.clock.after(ANSWERS_MS, () => this.#forget())
    this.#previous = { epoch: closed, cancel: () => stopAll(cancel, closed) }
    const epoch = this.open(genesis, sawBeginning)
    epoch.persistence.inherit(closed.persistence, closed.engine.state.final.view)
    if (!this.#joined) return epoch
    epoch.join()
    this.#connect()
    return epoch
  }

  /** The epoch that began goes on with what was said in it before it began here. */
  resume(): void {
    const { current } = this
    if (this.#joined) for (const { from, frame } of this.#early.take()) current.heard(from, frame)
    current.batched()
  }

  /** The epoch of that number, while it decides or still answers. */
  find(number: number): Epoch | null {
    const both = [this.#current, this.#previous?.epoch ?? null]
    return both.find((epoch) => epoch?.epoch === number) ?? null
  }

  isCurrent(epoch: Epoch): boolean {
    return epoch === this.#current
  }

  /** A frame of the next epoch: kept if its sender will be a member. False where it is dropped. */
  early(from: PeerId, frame: Frame): boolean {
    const isMember = this.#options.register.membership.next.some(({ peer }) => peer === from)
    return isMember && this.#early.keep(from, frame)
  }

  /** A peer is in another epoch: if others go on in later ones without this member, it is late. */
  announced(peer: PeerId, epoch: number): void {
    this.#announced.set(peer, Math.max(epoch, this.#announced.get(peer) ?? 0))
    this.#heard()
    const at = this.current.epoch
    if (this.isLateBy(2)) return this.#options.onLate()
    if (!this.isLateBy(1)) return
    this.#late ??= this.#options.host.clock.after(LATE_MS, () => {
      this.#late = null
      if (this.current.epoch === at) this.#options.onLate()
    })
  }

  /** Are members of more than F weight, one of them honest, so many epochs further? */
  isLateBy(epochs: number): boolean {
    const { committee, memberPeers, epoch } = this.current
    const later = memberPeers.flatMap((peer, i) => ((this.#announced.get(peer) ?? 0) >= epoch + epochs ? [i] : []))
    return weightOf(committee, later) > committee.faults
  }

  /** Peers that may have final blocks that are not here: those that say so, and for an observer every member. */
  ahead(): readonly PeerId[] {
    const { engine, memberPeers, self, epoch } = this.current
    const { marks, final } = engine.state
    const further = memberPeers.filter((_, i) => marks[i]?.up === true && marks[i].final > final.view)
    const later = [...this.#announced].filter(([, number]) => number > epoch).map(([peer]) => peer)
    return [...new Set([...further, ...later, ...(self === null ? memberPeers : [])])]
  }

  /**
   * Resolves once members of quorum weight, this one included, have said how far they are: one of them is honest and
   * was there when the newest block became final; or, where fewer are connected, all of those. Who says nothing itself
   * waits for nobody.
   */
  told(): Promise<void> {
    if (this.#isTold()) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#untold.push(resolve)
    return promise
  }

  #isTold(): boolean {
    const { current } = this
    const { committee, engine, memberPeers, self, epoch } = current
    if (!current.speaks) return true
    const isElsewhere = (peer: PeerId) => (this.#announced.get(peer) ?? epoch) !== epoch
    // Whoever was heard is in some view, and the first is 1.
    const isHeard = (index: number) => index === self || (engine.state.marks[index]?.view ?? 0) > 0
    const isUntold = (peer: PeerId, index: number) => !isHeard(index) && !isElsewhere(peer)
    const told = memberPeers.flatMap((peer, index) => (isUntold(peer, index) ? [] : [index]))
    if (weightOf(committee, told) >= committee.quorum) return true
    const connected = current.connected()
    return connected.length > 0 && !connected.some((peer) => isUntold(peer, memberPeers.indexOf(peer)))
  }

  /** Somebody may have said how far it is. */
  #heard(): void {
    if (this.#untold.length > 0 && this.#isTold()) for (const resolve of this.#untold.splice(0)) resolve()
  }

  stop(): void {
    this.#late?.()
    this.#disconnect?.()
    this.#forget()
    this.#current?.stop()
  }

  #forget(): void {
    this.#previous?.cancel()
    this.#previous = null
  }

  /** To members of this epoch and of the next, whose streams should be there when it begins. */
  #connect(): void {
    const { host, register, label } = this.#options
    const { members, next, epoch }: Membership = register.membership
    const peers = new Set([...members, ...next].map(({ peer }: ManifestMember) => peer))
    peers.delete(host.identity.peerId)
    const before = this.#disconnect
    this.#disconnect = host.keepConnected(`quorum/${label.group}/${epoch}`, [...peers])
    before?.()
  }
}

function stopAll(cancel: Cancel, epoch: Epoch): void {
  cancel()
  epoch.stop()
}
