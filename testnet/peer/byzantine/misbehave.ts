import { toHex } from '@brume/codec'
import { KIND, type Vote } from '@brume/consensus'
import type { Net, PeerId, SendResult } from '@brume/ports'
import { decodeCall, FRAME, GOSSIP } from '@brume/protocols/quorum'
import type { Behaviour } from '../../runner/messages.ts'
import { QUORUM_PROTOCOL } from '../frame-tap.ts'
import { interpose, muffled } from '../interpose.ts'
import {
  COMMAND,
  commandOf,
  type Forger,
  oppositesOf,
  PROPOSE,
  proposalOf,
  proposeTwin,
  type SeenProposal,
  signVote,
  spoil,
  spoilProposal,
  twinOf,
  VOTES,
  votesOf,
  withVotes
} from './forge.ts'

/** Twins of the newest proposals; older ones were decided long ago. */
const TWINS_MAX = 256

export interface MisbehaviourOptions extends Forger {
  readonly self: PeerId
  /** Peer ids that break the same rules together, `self` among them. */
  readonly accomplices: readonly PeerId[]
  /** All members, in committee order. */
  readonly members: readonly PeerId[]
  /** Public key of the client of this name, in hex. */
  readonly clientKey: (name: string) => string
}

/** Topics of groups: votes travel there too, where some pairs of members have no stream. */
const TOPICS = 'brume/quorum/'

/** What each does not publish, or gossip would undo on the topic what it does on streams. */
const UNPUBLISHED: Readonly<Record<Behaviour['behaviour'], readonly number[]>> = {
  silent: Object.values(GOSSIP),
  stall: [GOSSIP.propose, GOSSIP.outline],
  'bad-signature': [GOSSIP.votes, GOSSIP.propose, GOSSIP.outline],
  equivocate: [GOSSIP.propose, GOSSIP.outline],
  collude: [GOSSIP.votes, GOSSIP.propose, GOSSIP.outline],
  'double-vote': [],
  censor: []
}

/** `type u8 ‖ handle u16 ‖ epoch u64`, and then how many votes. */
const ECHO_HEAD_BYTES = 11

/** That nobody heard anything of it: or it would believe that another process has its key, and it must vote to lie. */
const emptyEcho = (body: Uint8Array): Uint8Array => Uint8Array.of(...body.subarray(0, ECHO_HEAD_BYTES), 0)

type Pass = (body: Uint8Array) => SendResult

/**
 * A peer that keeps to the rules inside and breaks them on the wire: what leaves is held back, changed or
 * doubled, signed with its own key. The production code above it knows nothing of that. Statements are forged
 * for the first epoch's committee; of a later one the peer keeps to the rules.
 */
export class Misbehaviour {
  readonly #options: MisbehaviourOptions
  readonly #twins = new Map<string, string>()
  #behaviour: Behaviour | null = null
  #censored: ReadonlySet<string> = new Set()
  #count = 0

  constructor(options: MisbehaviourOptions) {
    this.#options = options
  }

  /** Frames and commands that were not what an honest peer would have made of them. */
  get count(): number {
    return this.#count
  }

  behave(behaviour: Behaviour | null): void {
    this.#behaviour = behaviour
    this.#censored = new Set((behaviour?.clients ?? []).map(this.#options.clientKey))
  }

  wrap<N extends Net>(net: N): N {
    const quieter = muffled(net, TOPICS, {
      mayLeave: ([type = 0]) => !this.#leavesOut(type),
      // What proves it a liar would have the honest peer inside believe that another process has its key.
      mayArrive: ([type]) => !this.#isLiar || type !== GOSSIP.evidence
    })
    return interpose(quieter, QUORUM_PROTOCOL, {
      frame: (_from, body, pass) => {
        if (this.#hears(body)) pass(this.#isLiar && body[0] === FRAME.echo ? emptyEcho(body) : body)
      },
      send: (to, body, pass) => this.#send(to, body, pass)
    })
  }

  get #isLiar(): boolean {
    return this.#behaviour !== null
  }

  #leavesOut(type: number): boolean {
    return this.#behaviour !== null && UNPUBLISHED[this.#behaviour.behaviour].includes(type)
  }

  #hears(body: Uint8Array): boolean {
    if (this.#behaviour?.behaviour === 'collude' && body[0] === PROPOSE) this.#remember(proposalOf(body))
    if (this.#censored.size === 0 || body[0] !== COMMAND || !this.#isCensored(commandOf(body))) return true
    this.#count++
    return false
  }

  #isCensored(command: Uint8Array): boolean {
    try {
      return this.#censored.has(toHex(decodeCall(command).client))
    } catch {
      return false
    }
  }

  #send(to: PeerId, body: Uint8Array, pass: Pass): SendResult {
    switch (this.#behaviour?.behaviour) {
      case 'silent':
        return this.#withhold()
      case 'stall':
        return body[0] === PROPOSE && this.#leads(proposalOf(body)) ? this.#stall(body, pass) : pass(body)
      case 'bad-signature':
        return this.#spoil(body, pass)
      case 'double-vote':
        return this.#doubleVote(body, pass)
      case 'equivocate':
        return this.#tellTwo(to, body, pass, false)
      case 'collude':
        return this.#tellTwo(to, body, pass, true)
      default:
        return pass(body)
    }
  }

  #withhold(): SendResult {
    this.#count++
    return 'queued'
  }

  #stall(body: Uint8Array, pass: Pass): SendResult {
    const { delayMs = 0 } = this.#behaviour ?? {}
    if (delayMs > 0) setTimeout(() => pass(body), delayMs)
    return this.#withhold()
  }

  #spoil(body: Uint8Array, pass: Pass): SendResult {
    if (body[0] !== VOTES && body[0] !== PROPOSE) return pass(body)
    this.#count++
    return pass(body[0] === VOTES ? withVotes(body, votesOf(body).map(spoil)) : spoilProposal(body))
  }

  #doubleVote(body: Uint8Array, pass: Pass): SendResult {
    const result = pass(body)
    if (body[0] !== VOTES) return result
    const opposites = votesOf(body)
      .filter(this.#canForge)
      .flatMap((vote) => oppositesOf(this.#options, vote))
    if (opposites.length === 0) return result
    this.#count++
    return pass(withVotes(body, opposites))
  }

  /** Its own block to the first half, the twin to the second; with accomplices, votes to match. */
  #tellTwo(to: PeerId, body: Uint8Array, pass: Pass, together: boolean): SendResult {
    if (!this.#isDeceived(to)) return pass(body)
    if (body[0] === PROPOSE) return this.#proposeOther(body, pass)
    if (!together || body[0] !== VOTES) return pass(body)
    return pass(
      withVotes(
        body,
        votesOf(body).map((vote) => this.#other(vote))
      )
    )
  }

  /** Is this one of those who are told the other story? */
  #isDeceived(peer: PeerId): boolean {
    const { members, accomplices } = this.#options
    const others = members.filter((member) => !accomplices.includes(member))
    return others.indexOf(peer) >= Math.ceil(others.length / 2)
  }

  #proposeOther(body: Uint8Array, pass: Pass): SendResult {
    const seen = proposalOf(body)
    if (seen === undefined || !this.#leads(seen)) return pass(body)
    const twin = seen.epoch === this.#options.committee.epoch ? twinOf(seen) : undefined
    if (twin === undefined) return this.#withhold()
    this.#remember(seen)
    this.#count++
    return pass(proposeTwin(this.#options, body, seen, twin))
  }

  #other(vote: Vote): Vote {
    const digest = vote.kind === KIND.nullify ? undefined : this.#twins.get(vote.digest)
    if (digest === undefined || !this.#canForge(vote)) return vote
    this.#count++
    return signVote(this.#options, { ...vote, digest })
  }

  /** What an accomplice proposes here has a twin there: it can be worked out. */
  #remember(seen: SeenProposal | undefined): void {
    if (seen === undefined || !this.#options.accomplices.includes(this.#leaderOf(seen) ?? '')) return
    const twin = twinOf(seen)
    if (twin === undefined) return
    this.#twins.set(seen.digest, twin.digest)
    const [oldest] = this.#twins.keys()
    if (this.#twins.size > TWINS_MAX && oldest !== undefined) this.#twins.delete(oldest)
  }

  readonly #canForge = (vote: Vote): boolean => vote.epoch === this.#options.committee.epoch

  #leads(seen: SeenProposal | undefined): boolean {
    return seen !== undefined && this.#leaderOf(seen) === this.#options.self
  }

  #leaderOf({ view }: SeenProposal): PeerId | undefined {
    const { leaders } = this.#options.committee
    return this.#options.members[leaders[(view - 1) % leaders.length] ?? -1]
  }
}
