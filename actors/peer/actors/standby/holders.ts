import type { Clock, Log, PeerId } from '@brume/ports'
import { parseAddress } from '@brume/runtime/address'
import type { Placement } from '@brume/runtime/standby'
import { refusal } from '../group/refusals.ts'

/** Groups whose placements are kept: of a peer that talks to more, those used longest ago are read anew. */
const GROUPS_MAX = 256
/** Strangers who say that they speak for unknown groups may have so many of them looked for at once. */
const LOOKS_MAX = 16
/** Who is no copy by a read as old as this is asked about once more. */
const FRESH_MS = 1_000

/** Where an actor is, as its placement group has proven it: perhaps a while ago. */
export interface Whereabouts {
  /** Of the root of its tree, without incarnation. */
  readonly root: string
  readonly placement: Placement
}

interface Known {
  placements: ReadonlyMap<string, Placement>
  looking: Promise<void> | null
  /** When the read began that gave them, monotonic ms; -1: none yet. */
  readMs: number
}

export interface HoldersOptions {
  /** All that a group places, by path, as its members have proven. */
  readonly read: (authority: string) => Promise<ReadonlyMap<string, Placement>>
  readonly clock: Clock
  readonly log: Log
}

/** Who holds which actor of mode `standby`, as far as this peer has read it. */
export class Holders {
  readonly #options: HoldersOptions
  readonly #known = new Map<string, Known>()
  readonly #listeners = new Set<(authority: string) => void>()

  constructor(options: HoldersOptions) {
    this.#options = options
  }

  /** Called after each look at a group that came to something. */
  onLook(listener: (authority: string) => void): void {
    this.#listeners.add(listener)
  }

  /** As of a read that began then or later: null where there is no such actor; undefined where none was read. */
  find(address: string, sinceMs = 0): Whereabouts | null | undefined {
    const { authority, path } = parseAddress(address)
    const known = this.#known.get(authority)
    if (known === undefined || known.readMs < 0) return undefined
    // Children live with the actor whose machine started them.
    for (let root = path; root !== ''; root = root.slice(0, Math.max(0, root.lastIndexOf('/')))) {
      const placement = known.placements.get(root)
      if (placement !== undefined) return { root: `brume://${authority}/${root}`, placement }
    }
    return known.readMs >= sinceMs ? null : undefined
  }

  /** Who holds it, as it was read before unless that was in vain. @throws RuntimeError REJECTED where there is no such actor */
  async holderOf(address: string, isAgain: boolean): Promise<PeerId> {
    if (isAgain || !this.find(address)) await this.look(parseAddress(address).authority)
    const found = this.find(address)
    if (!found) throw refusal('rejected', `${address}: its group has no such actor`)
    return found.placement.holder
  }

  /** Those that this peer has, or is to have, a copy of; by address. */
  copiesAt(self: PeerId): readonly Whereabouts[] {
    return [...this.#known].flatMap(([authority, { placements }]) =>
      [...placements]
        .filter(([, { copies }]) => copies.includes(self))
        .map(([path, placement]) => ({ root: `brume://${authority}/${path}`, placement }))
    )
  }

  /** Is this peer trusted with that actor? Undefined: not known yet, and being found out. */
  mayBe(peer: PeerId, address: string): boolean | undefined {
    const nowMs = this.#options.clock.now()
    const found = this.find(address, nowMs - FRESH_MS)
    if (found?.placement.copies.includes(peer) === true) return true
    const { authority } = parseAddress(address)
    const readMs = this.#known.get(authority)?.readMs ?? -1
    if (readMs >= 0 && readMs >= nowMs - FRESH_MS) return false
    if (this.#looksUnderWay >= LOOKS_MAX) return false
    this.look(authority).catch(() => undefined)
    return undefined
  }

  /** Reads a group again; a look that is under way serves all who ask meanwhile. @throws RuntimeError */
  look(authority: string): Promise<void> {
    const known = this.#open(authority)
    known.looking ??= this.#look(authority).finally(() => {
      known.looking = null
    })
    return known.looking
  }

  /** As `look`, with what was found: for who holds and follows actors itself. @throws RuntimeError */
  async read(authority: string): Promise<ReadonlyMap<string, Placement>> {
    const { read, clock } = this.#options
    const beganMs = clock.now()
    const placements = await read(authority)
    const known = this.#open(authority)
    known.placements = newest(known.placements, placements)
    known.readMs = Math.max(known.readMs, beganMs)
    for (const listener of this.#listeners) listener(authority)
    return placements
  }

  async #look(authority: string): Promise<void> {
    try {
      await this.read(authority)
    } catch (error) {
      this.#options.log.debug({ group: authority, error }, 'a placement group could not be read')
      throw error
    }
  }

  get #looksUnderWay(): number {
    return [...this.#known.values()].filter(({ looking }) => looking !== null).length
  }

  #open(authority: string): Known {
    const known = this.#known.get(authority) ?? { placements: new Map(), looking: null, readMs: -1 }
    this.#known.delete(authority)
    this.#known.set(authority, known)
    for (const oldest of this.#known.keys()) if (this.#known.size > GROUPS_MAX) this.#known.delete(oldest)
    return known
  }
}

/** What was read, unless something newer was read of an actor before: a read may show an older state than the last. */
function newest(before: ReadonlyMap<string, Placement>, read: ReadonlyMap<string, Placement>) {
  const older = ({ epoch, version }: Placement, than: Placement): boolean =>
    epoch < than.epoch || (epoch === than.epoch && version < than.version)
  return new Map(
    [...read].map(([path, placement]) => {
      const known = before.get(path)
      return [path, known !== undefined && older(placement, known) ? known : placement]
    })
  )
}
