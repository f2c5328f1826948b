import type { Committee, State, Vote } from '@brume/consensus'
import type { Host } from '../host.ts'
import { Echoes } from './echo.ts'
import type { Persistence } from './persist.ts'
import type { Standing } from './standing.ts'

export interface FranchiseOptions {
  readonly host: Pick<Host, 'identity' | 'clock'>
  readonly committee: Committee
  /** Own index, or null for an observer. */
  readonly self: number | null
  readonly standing: Standing
  readonly isVolatile: boolean
  /** This process was there when the epoch began. */
  readonly sawBeginning: boolean
  readonly persistence: Persistence
  readonly floorView: number
  readonly state: () => State
  /** It has just been lost, for this reason: what an earlier life said is forgotten, or another process lives. */
  readonly onLost: (reason: string, by: 'earlier life' | 'twin') => void
}

/**
 * Whether this key may vote in an epoch: not if something that it said there may be forgotten. Lost once, it is lost
 * until the next epoch.
 */
export class Franchise {
  readonly #options: FranchiseOptions
  readonly #echoes: Echoes | null
  readonly #noted: Promise<boolean>
  #muted: string | null

  constructor(options: FranchiseOptions) {
    const { standing, sawBeginning, isVolatile, persistence } = options
    this.#options = options
    this.#muted = standing.type === 'muted' ? standing.reason : null
    const notes = this.speaks && (sawBeginning || isVolatile)
    this.#noted = notes ? persistence.note('whole') : Promise.resolve(true)
    this.#echoes = this.speaks ? this.#makeEchoes() : null
  }

  /** Why it says nothing more in this epoch, if so. */
  get muted(): string | null {
    return this.#muted
  }

  /** Will this key say something in this epoch, for all that is known? */
  get speaks(): boolean {
    return this.#options.self !== null && this.#muted === null
  }

  /** Resolves when it is known whether this key may vote: with why not, if so. */
  async settled(): Promise<string | null> {
    const { isVolatile, standing, persistence } = this.#options
    const isNoted = await this.#noted
    // Its next process would believe that nothing was said since the clean stop.
    if (isVolatile && !isNoted) return 'a volatile member could not write down that it begins to vote'
    await this.#echoes?.settled()
    await persistence.space()
    if (standing.type === 'owed' && this.#muted === null) await persistence.note('whole')
    return this.#muted
  }

  /** From here on this process votes. */
  begin(): void {
    this.#echoes?.begin()
  }

  /** Is this member still to say what it heard from this key? */
  asks(member: number): boolean {
    return this.#echoes?.isOpen(member) === true
  }

  /** What a member heard from this key. */
  echoed(member: number, votes: readonly Vote[]): void {
    this.#echoes?.answered(member, votes)
  }

  /** A statement that carries this member's own signature, from whoever it came. */
  check(vote: Vote): void {
    this.#echoes?.check(vote)
  }

  /** Somebody proved that this key contradicted itself in a view: not this process. */
  heardSelf(view: number): void {
    this.#heardUnknown(`second statement of one kind in view ${view}`, 'twin')
  }

  stop(): void {
    this.#echoes?.stop()
  }

  #makeEchoes(): Echoes {
    const { host, committee, self, standing, floorView, state } = this.#options
    const { identity, clock } = host
    return new Echoes({
      ...{ committee, self: self ?? 0, identity, clock, state, floorView },
      owed: standing.type === 'owed',
      onUnknown: ({ view, kind }, by) => this.#heardUnknown(`vote of kind ${kind} in view ${view}`, by)
    })
  }

  #heardUnknown(what: string, by: 'earlier life' | 'twin'): void {
    if (this.#muted !== null) return
    const { persistence, onLost } = this.#options
    this.#muted =
      by === 'twin'
        ? `another process has this peer's key: a ${what} was heard that this one did not cast`
        : `this key has cast a ${what} of which the journal knows nothing, so it says nothing more in this epoch`
    persistence.mute(this.#muted)
    onLost(this.#muted, by)
  }
}
