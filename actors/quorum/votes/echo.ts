import { type Committee, type State, sameStatement, signedBytes, type Vote, viewAt, votesOf } from '@brume/consensus'
import { type Identity, verify } from '@brume/crypto'
import type { Cancel, Clock } from '@brume/ports'
import { ECHO_VOTES_MAX } from '@brume/protocols/quorum'

/**
 * With a journal that was cut, the least time to wait: echoes of members that come up just now should count. With a
 * sound one, the most: only a disk that lied is still to be found out, and a group must start without its sleepers.
 */
const ECHO_WAIT_MS = 2_000

/** What this member holds of another's own votes, newest views first. */
export function echoFor({ past, views, final }: State, member: number): readonly Vote[] {
  const found: Vote[] = []
  for (const view of [...past, ...views].reverse()) {
    if (view === undefined) continue
    for (const { slots, certificate } of view.tallies) {
      const signed = certificate === null ? undefined : votesOf(certificate).find(({ signer }) => signer === member)
      const vote = slots[member]?.vote ?? signed
      if (vote !== undefined) found.push(vote)
    }
  }
  const last = final.certificate === null ? [] : votesOf(final.certificate)
  found.push(...last.filter(({ signer, view }) => signer === member && !found.some((other) => other.view === view)))
  return found.sort((a, b) => b.view - a.view).slice(0, ECHO_VOTES_MAX)
}

export interface EchoesOptions {
  readonly committee: Committee
  readonly self: number
  readonly identity: Identity
  readonly clock: Clock
  readonly state: () => State
  /** Views at or below are final: what was said there is not in the journal any more. */
  readonly floorView: number
  /** The journal was cut: nothing may be said before a quorum has told what it heard. */
  readonly owed: boolean
  /**
   * This key has signed what this process does not know of: in an earlier life whose memory is lost, or, where the
   * view began after this process had begun to vote, in another process that lives now.
   */
  readonly onUnknown: (vote: Vote, by: 'earlier life' | 'twin') => void
}

/** What others heard from this key, against what this process knows to have said. */
export class Echoes {
  readonly #options: EchoesOptions
  readonly #heard = new Set<number>()
  readonly #settled = Promise.withResolvers<void>()
  #waitedEnough = false
  #waiting: Cancel | null = null
  /** The highest view anybody was in when this process first might have voted; null before. */
  #firstView: number | null = null

  constructor(options: EchoesOptions) {
    this.#options = options
    this.#heard.add(options.self)
  }

  /** Is this member still to be asked? */
  isOpen(member: number): boolean {
    return !this.#heard.has(member)
  }

  /** Resolves when a vote may be cast: at once, once it has. */
  settled(): Promise<void> {
    this.#waiting ??= this.#options.clock.after(ECHO_WAIT_MS, () => {
      this.#waitedEnough = true
      this.#settle()
    })
    this.#settle()
    return this.#settled.promise
  }

  stop(): void {
    this.#waiting?.()
  }

  /** From here on this process may vote. */
  begin(): void {
    if (this.#firstView !== null) return
    const { view, marks } = this.#options.state()
    this.#firstView = Math.max(view, ...marks.map((mark) => mark.view))
  }

  /** A member's answer. Votes of another signer are nobody's own: the sender is at fault. */
  answered(member: number, votes: readonly Vote[]): void {
    for (const vote of votes) this.check(vote)
    this.#heard.add(member)
    this.#settle()
  }

  /** A vote under this key, however it came. */
  check(vote: Vote): void {
    const { committee, self, identity, floorView } = this.#options
    if (vote.signer !== self || vote.epoch !== committee.epoch || vote.view <= floorView || this.#isKnown(vote)) return
    if (!verify(identity.publicKey, signedBytes(committee, vote), vote.signature)) return
    const isTwin = this.#firstView !== null && vote.view > this.#firstView
    this.#options.onUnknown(vote, isTwin ? 'twin' : 'earlier life')
  }

  /** Views that were let go had their votes checked, or nobody can vote in them any more. */
  #isKnown(vote: Vote): boolean {
    const state = this.#options.state()
    if (vote.view < state.base) return true
    const said = viewAt(state, vote.view)?.said[vote.kind]
    return said !== undefined && sameStatement(said, vote)
  }

  #settle(): void {
    if (this.#waiting === null) return
    const { committee, owed } = this.#options
    const weight = [...this.#heard].reduce((sum, member) => sum + (committee.members[member]?.weight ?? 0), 0)
    const isQuorum = weight >= committee.quorum
    if (owed ? isQuorum && this.#waitedEnough : isQuorum || this.#waitedEnough) this.#settled.resolve()
  }
}
