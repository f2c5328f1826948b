import type { PeerId, Wanted } from '@brume/ports'
import type { NetMetrics } from '../metrics.ts'
import { ADDRESSES_PER_PEER_MAX, type AddressContext, bareAddress, orderAddresses, refuseDial } from './policy.ts'

interface Entry {
  /** From configuration, a signed record, or the bootstrap list. */
  wanted: readonly string[]
  /** From the newest discovery answer. */
  discovered: readonly string[]
  /** That which last led to a connection. */
  lastGood: string | undefined
}

/** More peers than the dialer keeps; the one untouched for longest goes. */
const PEERS_MAX = 4_096

/** Where peers may be reached, as far as it is allowed to dial there. */
export class AddressBook {
  readonly #peers = new Map<PeerId, Entry>()
  readonly #context: () => AddressContext
  readonly #metrics: NetMetrics

  constructor(context: () => AddressContext, metrics: NetMetrics) {
    this.#context = context
    this.#metrics = metrics
  }

  want({ peer, addresses }: Wanted): void {
    this.#entry(peer).wanted = this.#usable(addresses)
  }

  /** True when some address may be dialled. */
  discovered(peer: PeerId, addresses: readonly string[]): boolean {
    const usable = this.#usable(addresses)
    if (usable.length === 0) return false
    this.#entry(peer).discovered = usable
    return true
  }

  reached(peer: PeerId, address: string): void {
    this.#entry(peer).lastGood = bareAddress(address)
  }

  lastGood(peer: PeerId): string | undefined {
    return this.#peers.get(peer)?.lastGood
  }

  /** In dialling order; `others` are addresses known elsewhere. */
  addresses(peer: PeerId, others: readonly string[]): readonly string[] {
    const entry = this.#peers.get(peer)
    const last = entry?.lastGood === undefined ? [] : [entry.lastGood]
    const all = [...last, ...(entry?.discovered ?? []), ...(entry?.wanted ?? []), ...others]
    return orderAddresses(this.#usable(all), this.#context(), entry?.lastGood)
  }

  mayDial(address: string): boolean {
    const refusal = refuseDial(address, this.#context())
    if (refusal !== undefined) this.#metrics.addressRefused.inc({ reason: refusal })
    return refusal === undefined
  }

  #usable(addresses: readonly string[]): readonly string[] {
    const bare = new Set(addresses.map(bareAddress))
    return [...bare].filter((address) => this.mayDial(address)).slice(0, ADDRESSES_PER_PEER_MAX)
  }

  #entry(peer: PeerId): Entry {
    const entry = this.#peers.get(peer) ?? { wanted: [], discovered: [], lastGood: undefined }
    this.#peers.delete(peer)
    this.#peers.set(peer, entry)
    const oldest = this.#peers.size > PEERS_MAX ? this.#peers.keys().next().value : undefined
    if (oldest !== undefined) this.#peers.delete(oldest)
    return entry
  }
}
