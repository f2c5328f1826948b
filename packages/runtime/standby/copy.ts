import type { PeerId } from '@brume/ports'
import { actorId, parseAddress } from '../address.ts'
import type { Beacons } from './beacons.ts'
import { Follow } from './follow.ts'
import { Lead, type LeadSink } from './lead.ts'
import { DROP_AFTER_MS } from './limits.ts'
import { NO_HASH } from './log.ts'
import { Orders } from './orders.ts'
import { isNewer } from './placement.ts'
import type {
  Placement,
  PlacementEvent,
  PlacementRefusal,
  PlacementReply,
  Position,
  Ship,
  ShipAck,
  StandbyOutput,
  Wish
} from './port.ts'
import type { ShippingRules } from './rules.ts'
import { Unaware } from './unaware.ts'
import { Wishes } from './wishes.ts'
import { Writes } from './writes.ts'

/** What a copy needs of the peer it is on. */
export interface CopyHost {
  readonly self: PeerId
  readonly rules: ShippingRules
  readonly beacons: Beacons
  readonly nowMs: number
  emit(output: StandbyOutput): void
  /** The placement may be another than is known here. */
  doubt(authority: string): void
  /** A number for an order. */
  nextOrder(): number
  /** Of the last look that began. */
  readonly lastLook: number
}

/** The copy of one actor on this peer, held or followed, or to be. */
export class Copy {
  readonly address: string
  readonly authority: string
  readonly id: Uint8Array
  readonly #host: CopyHost
  #placement: Placement | null = null
  /** Looks that began later are of what is known here, or newer. */
  #learnedAt = 0
  /** When its holder was first known. */
  #sinceMs: number
  #follow: Follow
  #lead: Lead | null = null
  /** This peer is the holder, by an order that nobody else can have had, and its kernel is to start. */
  #isGranted = false
  readonly #orders: Orders
  readonly #wishes: Wishes
  /** It asked to take over from that version; that order may still take effect. */
  #asked: Placement | null = null
  /** Peers that may hold it without knowing that they do not any more: nothing is said on which their reads could rest. */
  readonly #unaware = new Unaware()
  /** Another one speaks with a higher epoch. */
  #isDoubted = false
  #isUnfit = false
  #lookedMs = Number.NEGATIVE_INFINITY
  readonly #writes: Writes

  constructor(address: string, position: Position | null, host: CopyHost) {
    const { authority, path } = parseAddress(address)
    this.address = address
    this.authority = authority
    this.#orders = new Orders(address, path, host)
    this.id = actorId(address)
    this.#host = host
    this.#follow = new Follow(position)
    this.#sinceMs = host.nowMs
    this.#wishes = new Wishes((what, refusal) => this.#refuse(what, refusal))
    this.#writes = new Writes((write, change) => host.emit({ type: 'write', address, write, change }))
  }

  get placement(): Placement | null {
    return this.#placement
  }

  get isLeading(): boolean {
    return this.#lead !== null
  }

  /** Followers that are to hear beacons. */
  get followers(): readonly PeerId[] {
    return this.#lead?.others ?? []
  }

  /** Nothing of it is known to the group, and nobody here wants it to be. */
  get isGone(): boolean {
    return this.#placement === null && !this.#wishes.isOpen && !this.#orders.isOpen
  }

  isUnaware(peer: PeerId): boolean {
    return this.#unaware.has(peer)
  }

  takes(): boolean {
    return this.#isSure && this.#lead?.hasEnough(this.#sinceMs, this.#host.nowMs) === true
  }

  mayRead(): boolean {
    return this.#isSure && this.#lead?.mayRead(this.#host.nowMs) === true
  }

  /** As far as is known here, nobody else holds it, or is about to. */
  get #isSure(): boolean {
    return !this.#isDoubted && !this.#wishes.isOpen
  }

  // What the group says.

  told(placement: Placement | null, look: number): void {
    if (placement !== null) this.#learn(placement, null)
    else if (look > this.#learnedAt && !this.#orders.isOpen) this.#removed()
    this.settle()
  }

  answered(number: number, reply: PlacementReply | null): void {
    const type = this.#orders.close(number)?.type
    if (type === undefined) return
    if (reply === null) return this.#host.doubt(this.authority)
    const { refused, placement } = reply
    // One that is here already, by an order whose answer was lost, is what was wanted.
    const isHere = type === 'place' && placement?.holder === this.#host.self
    if (refused !== null && !isHere) this.#refused(type, refused)
    if (placement === null) this.#removed()
    else this.#learn(placement, refused === null && (type === 'take' || type === 'place') ? placement : null)
    this.settle()
  }

  /** That order has no effect, and never will. */
  #refused(type: PlacementEvent['type'], refusal: PlacementRefusal): void {
    if (type === 'join' && this.#lead !== null) this.#lead.joining = null
    if (type === 'take') {
      this.#asked = null
      if (this.#placement !== null) this.#unaware.delete(this.#placement.holder)
    }
    this.#wishes.refuse(type, refusal)
  }

  #learn(placement: Placement, granted: Placement | null): void {
    const before = this.#placement
    if (!isNewer(placement, before)) return
    this.#placement = placement
    this.#learnedAt = this.#host.lastLook
    const { self, nowMs } = this.#host
    if (before?.epoch !== placement.epoch || before.holder !== placement.holder) this.#sinceMs = nowMs
    this.#asked = null
    this.#isDoubted = false
    this.#wishes.placed(placement.holder === self)
    if (this.#lead !== null && this.#lead.epoch === placement.epoch) return this.#led(this.#lead, placement)
    this.#cease()
    this.#follow.forgetPieces()
    this.#isGranted = granted !== null
    if (placement.holder !== self) return this.#unaware.clear()
    this.#unaware.suspect(self, before, placement, this.#follow.position?.epoch)
  }

  #refuse(what: Wish['type'], refusal: PlacementRefusal): void {
    this.#host.emit({ type: 'refused', address: this.address, what, refusal })
  }

  #led(lead: Lead, placement: Placement): void {
    lead.placement = placement
    lead.joining = null
    lead.release()
  }

  #removed(): void {
    const wasHere = this.#placement !== null || this.#follow.position !== null
    this.#placement = null
    this.#cease()
    this.#asked = null
    this.#unaware.clear()
    this.#follow = new Follow(null)
    if (wasHere) this.#host.emit({ type: 'discard', address: this.address })
  }

  #cease(): void {
    const lead = this.#lead
    if (lead === null) return
    this.#lead = null
    this.#wishes.ceased()
    this.#follow = new Follow(lead.position)
    const placement = this.#placement
    this.#host.emit({ type: 'cease', address: this.address, placement })
    // The next one waits for nothing else.
    if (placement !== null && placement.holder !== this.#host.self) this.#send(placement.holder, placement.epoch)
  }

  // What others say.

  ship(from: PeerId, ship: Ship): void {
    const known = this.#placement
    if (known === null || ship.epoch > known.epoch) return this.#ahead(from, ship.epoch)
    const isCurrent = ship.epoch === known.epoch && from === known.holder && this.#asked === null
    const { rules } = this.#host
    if (!rules.mayAck(isCurrent)) {
      if (ship.epoch < known.epoch && known.copies.includes(from)) this.#send(from, known.epoch)
      return
    }
    for (const change of this.#follow.take(ship)) this.#writes.add(change)
    this.#writes.owe({ to: from, epoch: ship.epoch })
    if (this.#writes.isWhole || rules.acksUnwritten()) this.#answer()
  }

  /** There is a holder of a later epoch, or one that this peer does not know of. */
  #ahead(from: PeerId, epoch: number): void {
    this.#isDoubted = true
    this.#host.doubt(this.authority)
    // So that it knows that this peer will not act on an older one.
    if (this.#placement?.copies.includes(from)) this.#send(from, epoch)
  }

  shipAck(from: PeerId, { epoch, seq, hash }: ShipAck): void {
    const known = this.#placement
    if (known === null || !known.copies.includes(from)) return
    if (epoch > known.epoch) return this.#ahead(from, epoch)
    if (known.holder !== this.#host.self || epoch < known.epoch) return
    this.#unaware.delete(from)
    this.#lead?.acked(from, seq, hash, this.#host.nowMs)
    this.settle()
  }

  #answer(): void {
    const owed = this.#writes.settled()
    if (owed !== null && this.#placement !== null) this.#send(owed.to, owed.epoch)
  }

  #send(to: PeerId, epoch: number): void {
    const { seq, hash } = this.#lead?.position ?? this.#follow.progress
    this.#host.emit({ type: 'send', to, frame: { type: 'shipAck', id: this.id, epoch, seq, hash } })
  }

  linked(peer: PeerId): void {
    this.#lead?.linked(peer, this.#host.nowMs)
  }

  // What the disk and the kernel say.

  batch(bytes: Uint8Array): void {
    this.#lead?.batch(bytes, this.#host.nowMs)
  }

  base(position: Position, bytes: Uint8Array): void {
    this.#lead?.base(position, bytes, this.#host.nowMs)
  }

  written(): void {
    this.#writes.written()
    this.#lead?.written()
    if (!this.#writes.isWhole) return
    this.#answer()
    this.settle()
  }

  // What someone here wants.

  wish(wish: Wish): void {
    if (this.#wishes.isOpen) return this.#refuse(wish.type, 'behind')
    if (wish.type === 'place') {
      const holder = this.#placement?.holder ?? this.#host.self
      if (holder !== this.#host.self || this.#lead !== null) return this.#refuse('place', 'taken')
      this.#isUnfit = false
    } else if (this.#lead === null) return this.#refuse(wish.type, 'forbidden')
    this.#wishes.begin(wish, this.#host.nowMs)
    this.settle()
  }

  unwanted(): void {
    this.#wishes.end()
  }

  unfit(): void {
    this.#isUnfit = true
    this.#cease()
    this.settle()
  }

  woke(): void {
    this.#lead?.woke(this.#host.nowMs)
  }

  tick(): void {
    this.#lead?.tick(this.#host.nowMs)
    this.settle()
  }

  /** Does what is due, as things are. */
  settle(): void {
    const placement = this.#placement
    if (this.#orders.isOpen) return
    if (placement === null) return this.#settleNobodys()
    if (placement.holder !== this.#host.self) return this.#settleFollower(placement)
    if (this.#lead !== null) this.#settleLead(this.#lead, placement)
    else this.#settleHolder(placement)
  }

  #settleNobodys(): void {
    const { place } = this.#wishes
    if (place !== null) this.#orders.place(place)
  }

  #settleFollower(placement: Placement): void {
    const { self, rules, beacons, nowMs } = this.#host
    const unheardMs = beacons.unheardMs(placement.holder, this.#sinceMs, nowMs)
    if (unheardMs >= DROP_AFTER_MS) this.#lookAgain()
    if (!placement.inSync.includes(self) || !rules.mayTake(this.#follow.position !== null) || this.#isUnfit) return
    if (this.#asked === null && !rules.mayAsk(unheardMs)) return
    this.#asked = placement
    this.#unaware.add(placement.holder)
    this.#orders.take(placement)
  }

  /** Nobody tells followers what else changes. */
  #lookAgain(): void {
    const { nowMs } = this.#host
    if (nowMs - this.#lookedMs < DROP_AFTER_MS) return
    this.#lookedMs = nowMs
    this.#host.doubt(this.authority)
  }

  /** This peer is the holder and does not lead: it has just become it, or came back. */
  #settleHolder(placement: Placement): void {
    const { self, rules, beacons, nowMs } = this.#host
    // Where nobody was in step yet, nothing was told of that could be lost.
    const isFresh = this.#isGranted || (!placement.begun && placement.minInSync > 0)
    if (this.#isUnfit || !rules.mayTake(this.#follow.position !== null || isFresh)) {
      const [to] = placement.inSync
      return to === undefined ? undefined : this.#orders.hand(placement, to, false)
    }
    if (!this.#isGranted) return this.#orders.take(placement)
    if (!this.#unaware.isClear(beacons, rules, nowMs)) return this.#warn(placement)
    if (!this.#writes.isWhole) return
    const position = this.#follow.position ?? { epoch: placement.epoch, seq: 0, hash: NO_HASH }
    this.#lead = new Lead(self, placement, position, this.#sink(), nowMs)
    this.#sinceMs = nowMs
    this.#host.emit({ type: 'lead', address: this.address, placement })
    this.#lead.begin(nowMs)
  }

  /** An empty Ship of the new epoch: its answer is all that is waited for. */
  #warn({ epoch }: Placement): void {
    const { seq, hash } = this.#follow.progress
    const ship: Ship = {
      ...{ type: 'ship', id: this.id, epoch, fromSeq: seq + 1, prevHash: hash, entries: [], record: null }
    }
    for (const to of this.#unaware.toWarn(this.#host.nowMs)) this.#host.emit({ type: 'send', to, frame: ship })
  }

  #settleLead(lead: Lead, placement: Placement): void {
    const { nowMs } = this.#host
    if (this.#wishes.isOpen) return this.#wishes.settle(this.#orders, placement, lead.isIdle, nowMs)
    const wanted = lead.wants(this.#sinceMs, nowMs)
    if (wanted !== null) this.#orders.change(wanted.type, placement, wanted.peer)
  }

  #sink(): LeadSink {
    const { rules, beacons } = this.#host
    const { address, id } = this
    return {
      ...{ rules, beacons },
      send: (to, ship) => this.#host.emit({ type: 'send', to, frame: { type: 'ship', id, ...ship } }),
      write: (change) => this.#writes.add(change),
      read: () => this.#host.emit({ type: 'read', address }),
      release: (batches) => this.#host.emit({ type: 'release', address, batches })
    }
  }
}
