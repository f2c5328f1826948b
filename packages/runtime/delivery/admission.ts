import type { PeerId } from '@brume/ports'
import { type ActorAddress, formatAddress, parseAddress, withoutIncarnation } from '../address.ts'
import type { Refusal } from '../kernel/port.ts'
import type { Sender } from './incoming.ts'

export interface AdmissionOptions {
  readonly self: PeerId
  /** Peers that may read histories. */
  readonly admins: readonly PeerId[]
  /** May this peer speak for that actor of a group? Undefined: not known yet. */
  readonly speaksFor: (peer: PeerId, address: string) => boolean | undefined
  /** Is that actor of a group held here now? Undefined: none ever is. */
  readonly holds: ((address: string) => boolean) | undefined
  /** Is that an address which an actor here had at another peer? */
  readonly adopts: (address: string) => boolean
}

const SCHEME = 'brume://'

/** What a peer may say and see, by its authenticated id. */
export class Admission {
  readonly #options: AdmissionOptions

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** Who speaks, for a path of that peer or an address of a group; or why it may not speak to that target. */
  pair(peer: PeerId, from: string, incarnation: number, to: string): Sender | Refusal {
    const address = this.#addressOf(peer, from, incarnation)
    if (address === null) return 'overload'
    if (address === undefined) return 'forbidden'
    return this.#isTarget(to) || this.#options.adopts(to) ? { sender: withoutIncarnation(address), address } : 'noactor'
  }

  /** Undefined: it may be shown. */
  read(peer: PeerId, kind: string, target: string): Refusal | undefined {
    const path = this.#isHere(target)?.path
    if (path === undefined) return 'noactor'
    if (path === 'sys' || path.startsWith('sys/')) return 'forbidden'
    return kind === 'history' && !this.#options.admins.includes(peer) ? 'forbidden' : undefined
  }

  /** Null: it is to ask again. */
  #addressOf(peer: PeerId, from: string, incarnation: number): string | null | undefined {
    try {
      if (!from.startsWith(SCHEME)) return formatAddress(peer, from, incarnation)
      const { authority, path, group } = parseAddress(from)
      if (group === null) return undefined
      const may = this.#options.speaksFor(peer, formatAddress(authority, path))
      if (may === undefined) return null
      return may ? formatAddress(authority, path, incarnation) : undefined
    } catch {
      return undefined
    }
  }

  /** Who holds an actor of a group may change while a pair is open: that is asked at each message. */
  #isTarget(to: string): boolean {
    return this.#isHere(to, () => this.#options.holds !== undefined) !== undefined
  }

  #isHere(to: string, isHeld = this.#options.holds): ActorAddress | undefined {
    try {
      const address = parseAddress(to)
      const isHere = address.group === null ? address.peer === this.#options.self : isHeld?.(to)
      return isHere === true ? address : undefined
    } catch {
      return undefined
    }
  }
}
