import type { PeerId } from '@brume/ports'
import { type ActorAddress, formatAddress, parseAddress, withoutIncarnation } from '../address.ts'
import type { Refusal } from '../kernel/port.ts'
import type { Sender } from './incoming.ts'

export interface AdmissionOptions {
  readonly self: PeerId
  /** Peers that may read histories. */
  readonly admins: readonly PeerId[]
  /** Is this peer the one that holds the actors of that group now? */
  readonly speaksFor: (peer: PeerId, authority: string) => boolean
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
    if (address === undefined) return 'forbidden'
    return this.#isHere(to) ? { sender: withoutIncarnation(address), address } : 'noactor'
  }

  /** Undefined: it may be shown. */
  read(peer: PeerId, kind: string, target: string): Refusal | undefined {
    const path = this.#isHere(target)?.path
    if (path === undefined) return 'noactor'
    if (path === 'sys' || path.startsWith('sys/')) return 'forbidden'
    return kind === 'history' && !this.#options.admins.includes(peer) ? 'forbidden' : undefined
  }

  #addressOf(peer: PeerId, from: string, incarnation: number): string | undefined {
    try {
      if (!from.startsWith(SCHEME)) return formatAddress(peer, from, incarnation)
      const { authority, path, group } = parseAddress(from)
      const may = group !== null && this.#options.speaksFor(peer, authority)
      return may ? formatAddress(authority, path, incarnation) : undefined
    } catch {
      return undefined
    }
  }

  #isHere(to: string): ActorAddress | undefined {
    try {
      const address = parseAddress(to)
      return address.peer === this.#options.self ? address : undefined
    } catch {
      return undefined
    }
  }
}
