import type { Log, PeerId } from '@brume/ports'
import { parseAddress } from '@brume/runtime/address'
import type { Placement } from '@brume/runtime/standby'

export interface ConsentOptions {
  readonly self: PeerId
  readonly log: Log
  /** May that peer have an actor of this kind copied here? */
  readonly consents: (kind: string, peer: PeerId) => boolean
}

/**
 * Which copies this peer is willing to keep: those that its own registration of the kind lets the holder have here. One
 * that it keeps already stays, whoever holds the actor by now: others count on it.
 */
export class Consent {
  readonly #options: ConsentOptions
  /** By group, paths of what was kept or refused at the last look. */
  readonly #seen = new Map<string, ReadonlyMap<string, boolean>>()

  constructor(options: ConsentOptions) {
    this.#options = options
  }

  isGiven(address: string, placement: Placement): boolean {
    const { authority, path } = parseAddress(address)
    return this.#seen.get(authority)?.get(path) ?? this.#isWilling(placement)
  }

  /** Of all that a group places, by path, without what is not to be copied here. */
  of(authority: string, placements: ReadonlyMap<string, Placement>): ReadonlyMap<string, Placement> {
    const { self } = this.#options
    const before = this.#seen.get(authority)
    const own = [...placements].filter(([, { copies }]) => copies.includes(self))
    const seen = new Map(own.map(([path, one]) => [path, before?.get(path) === true || this.#isWilling(one)]))
    this.#seen.set(authority, seen)
    for (const [path, one] of own) if (seen.get(path) === false && before?.get(path) !== false) this.#tell(path, one)
    return new Map([...placements].filter(([path]) => seen.get(path) !== false))
  }

  #isWilling({ kind, holder, inSync }: Placement): boolean {
    const { self, consents } = this.#options
    return holder === self || inSync.includes(self) || consents(kind, holder)
  }

  #tell(path: string, { kind, holder }: Placement): void {
    this.#options.log.warn(
      { actor: path, kind, holder },
      'no copy is kept here: hosts, where the kind was registered, does not name its holder'
    )
  }
}
