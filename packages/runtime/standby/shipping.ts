import { toHex } from '@brume/codec'
import type { PeerId } from '@brume/ports'
import { parseAddress } from '../address.ts'
import { Beacons } from './beacons.ts'
import { Copy, type CopyHost } from './copy.ts'
import { GAP_MS } from './limits.ts'
import { Looks } from './looks.ts'
import type { HeldView, Position, Shipping, StandbyFrame, StandbyInput, StandbyOutput } from './port.ts'
import { SHIPPING_RULES, type ShippingRules } from './rules.ts'

/** @param nowMs - of the clock by which everything is judged, which counts sleep too */
export function createShipping(self: PeerId, nowMs: number, rules: ShippingRules = SHIPPING_RULES): Shipping {
  return new PeerShipping(self, nowMs, rules)
}

class PeerShipping implements Shipping, CopyHost {
  readonly self: PeerId
  readonly rules: ShippingRules
  readonly beacons: Beacons
  nowMs: number
  readonly #looks = new Looks()
  readonly #copies = new Map<string, Copy>()
  readonly #byId = new Map<string, Copy>()
  #out: StandbyOutput[] = []
  #orders = 0

  constructor(self: PeerId, nowMs: number, rules: ShippingRules) {
    this.self = self
    this.rules = rules
    this.nowMs = nowMs
    this.beacons = new Beacons(nowMs)
  }

  on(input: StandbyInput, nowMs: number): readonly StandbyOutput[] {
    if (nowMs - this.nowMs > GAP_MS) this.#woke(nowMs)
    this.nowMs = nowMs
    this.#take(input)
    for (const { authority, look } of this.#looks.due(nowMs)) this.emit({ type: 'look', authority, look })
    const out = this.#out
    this.#out = []
    return out
  }

  takes(address: string, nowMs: number): boolean {
    this.nowMs = nowMs
    return this.#copies.get(address)?.takes() ?? false
  }

  mayRead(address: string, nowMs: number): boolean {
    this.nowMs = nowMs
    return this.#copies.get(address)?.mayRead() ?? false
  }

  held(nowMs: number): readonly HeldView[] {
    this.nowMs = nowMs
    return [...this.#copies.values()].flatMap((copy) => {
      const { address, placement } = copy
      if (!copy.isLeading || placement === null) return []
      return [{ address, placement, takes: copy.takes(), mayRead: copy.mayRead() }]
    })
  }

  // What copies need.

  get lastLook(): number {
    return this.#looks.last
  }

  emit(output: StandbyOutput): void {
    this.#out.push(output)
  }

  doubt(authority: string): void {
    this.#looks.want(authority)
  }

  nextOrder(): number {
    this.#orders += 1
    return this.#orders
  }

  #take(input: StandbyInput): void {
    switch (input.type) {
      case 'tick':
        return this.#tick()
      case 'frame':
        return this.#frame(input.from, input.frame)
      case 'linked':
        for (const copy of this.#copies.values()) copy.linked(input.peer)
        return
      case 'found':
        this.#copy(input.address, input.position)
        return
      case 'started':
        for (const copy of this.#copies.values()) this.doubt(copy.authority)
        for (const authority of input.authorities) this.doubt(authority)
        return
      case 'told':
        return this.#told(input)
      case 'place':
      case 'hand':
      case 'remove':
        return this.#copy(input.address).wish(input)
      default:
        return this.#ofCopy(this.#copies.get(input.address), input)
    }
  }

  #ofCopy(copy: Copy | undefined, input: Extract<StandbyInput, { readonly address: string }>): void {
    switch (input.type) {
      case 'answered':
        return copy?.answered(input.order, input.reply)
      case 'batch':
        return copy?.batch(input.batch)
      case 'written':
        return copy?.written()
      case 'base':
        return copy?.base(input.position, input.base)
      case 'unfit':
        return copy?.unfit()
      case 'unwanted':
        return copy?.unwanted()
    }
  }

  #tick(): void {
    const followers = new Set<PeerId>()
    for (const copy of this.#copies.values()) for (const peer of copy.followers) followers.add(peer)
    for (const [to, n] of this.beacons.due(followers, this.nowMs)) {
      this.emit({ type: 'send', to, frame: { type: 'beacon', n } })
    }
    for (const copy of this.#copies.values()) copy.tick()
  }

  #frame(from: PeerId, frame: StandbyFrame): void {
    if ('n' in frame) {
      return frame.type === 'beacon' ? this.#beacon(from, frame.n) : this.beacons.acked(from, frame.n, this.nowMs)
    }
    const copy = this.#byId.get(toHex(frame.id))
    if (copy === undefined) return this.#looks.wantAll()
    if (frame.type === 'ship') copy.ship(from, frame)
    else copy.shipAck(from, frame)
  }

  /** On an answer that peer rests its reads: it gets none while this one may hold what it takes for its own. */
  #beacon(from: PeerId, n: number): void {
    const copies = [...this.#copies.values()]
    if (!copies.some(({ placement }) => placement?.holder === from)) return
    this.beacons.heard(from, this.nowMs)
    if (!this.#looks.isWhole || copies.some((copy) => copy.isUnaware(from))) return
    this.beacons.answered(from, this.nowMs)
    this.emit({ type: 'send', to: from, frame: { type: 'beaconAck', n } })
  }

  #told({ authority, look, placements }: StandbyInput & { readonly type: 'told' }): void {
    if (!this.#looks.told(authority, look, placements !== null) || placements === null) return
    for (const [address, { copies }] of placements) if (copies.includes(this.self)) this.#copy(address)
    for (const copy of [...this.#copies.values()]) {
      if (copy.authority !== authority) continue
      const placement = placements.get(copy.address) ?? null
      copy.told(placement?.copies.includes(this.self) ? placement : null, look)
      if (copy.isGone) this.#forget(copy)
    }
  }

  #woke(nowMs: number): void {
    this.nowMs = nowMs
    this.beacons.woke(nowMs)
    for (const copy of this.#copies.values()) copy.woke()
  }

  #copy(address: string, position: Position | null = null): Copy {
    const known = this.#copies.get(address)
    if (known !== undefined) return known
    const { authority } = parseAddress(address)
    if (!this.#looks.knows(authority)) this.doubt(authority)
    const copy = new Copy(address, position, this)
    this.#copies.set(address, copy)
    this.#byId.set(toHex(copy.id), copy)
    return copy
  }

  #forget(copy: Copy): void {
    this.#copies.delete(copy.address)
    this.#byId.delete(toHex(copy.id))
  }
}
