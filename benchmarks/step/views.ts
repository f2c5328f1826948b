import {
  createCommittee,
  createState,
  type Effect,
  type Event,
  KIND,
  leaderOf,
  type Proposal,
  type State,
  step,
  type Vote,
  type VoteKind
} from '@brume/consensus'

const SELF = 0
const SIGNATURE = new Uint8Array(64)
const ID = new Uint8Array(32).fill(7)

/** Views whose events are made in advance, so that only `step` is measured. */
const VIEWS = 200

/** A member's whole part in one view after another: blocks, votes one at a time, checks, syncs. */
export class Views {
  readonly #scripts: readonly Script[]
  readonly #committee
  #state: State

  /** @param n - members, each of weight 1 */
  constructor(n: number) {
    const members = Array.from({ length: n }, (_, i) => ({ key: new Uint8Array(32).fill(i + 1), weight: 1 }))
    this.#committee = createCommittee({ groupId: ID, epoch: 0, hash: ID, seed: ID, members })
    this.#scripts = Array.from({ length: VIEWS }, (_, i) => scriptOf(n, leaderOf(this.#committee, i + 1), i + 1))
    this.#state = this.#begin()
  }

  #begin(): State {
    const genesis = { view: 0, height: 0, digest: digestOf(0), timeMs: 0, certificate: null }
    const config = { committee: this.#committee, self: SELF, genesis, judge: () => true, minViewMs: 0, deltaMs: 250 }
    this.#state = createState(config, 0)
    for (let member = 1; member < this.#committee.members.length; member++) {
      this.#feed({ type: 'up', member, nowMs: 0 })
    }
    this.#feed({ type: 'voting', voting: true, nowMs: 0, wallMs: 0 })
    this.#feed({ type: 'pool', pending: true, version: 1, nowMs: 0, wallMs: 0 })
    return this.#state
  }

  /** Finalizes all views; returns how many vote events that took. */
  run(): number {
    this.#begin()
    let votes = 0
    for (const { view, proposal, propose, notarize, finalize } of this.#scripts) {
      const nowMs = view
      if (propose === null) this.#feed({ type: 'built', view, proposal, nowMs, wallMs: nowMs })
      else this.#feed(propose)
      for (const event of notarize) this.#feed(event)
      for (const event of finalize) this.#feed(event)
      votes += notarize.length + finalize.length
    }
    if (this.#state.final.view !== VIEWS) throw new Error(`stopped at view ${this.#state.final.view}`)
    return votes
  }

  #feed(event: Event): void {
    const { state, effects } = step(this.#state, event)
    this.#state = state
    if (effects.length > 0) this.#answer(effects, state.enteredMs)
  }

  #answer(effects: readonly Effect[], nowMs: number): void {
    for (const effect of effects) {
      if (effect.type === 'cast') {
        const votes = [{ ...effect.statement, signer: SELF, signature: SIGNATURE }]
        this.#feed({ type: 'synced', votes, nowMs, wallMs: 0 })
      }
      if (effect.type === 'verify') {
        const { purpose, votes } = effect
        this.#feed({ type: 'verified', purpose, votes, bad: [], nowMs, wallMs: 0 })
      }
    }
  }
}

/** What others say in one view. */
interface Script {
  readonly view: number
  readonly proposal: Proposal
  /** Null where this member leads. */
  readonly propose: Event | null
  readonly notarize: readonly Event[]
  readonly finalize: readonly Event[]
}

const digestOf = (view: number) => view.toString(16).padStart(64, '0')

function scriptOf(n: number, leader: number, view: number): Script {
  const digest = digestOf(view)
  const proposal: Proposal = {
    epoch: 0,
    view,
    height: view,
    parentView: view - 1,
    parent: digestOf(view - 1),
    digest,
    timeMs: view,
    commands: 1,
    body: null
  }
  const others = Array.from({ length: n }, (_, i) => i).filter((member) => member !== SELF)
  const say = (signer: number, kind: VoteKind, at: number): Event => {
    const vote: Vote = { kind, signer, epoch: 0, view, parentView: view - 1, digest, signature: SIGNATURE }
    return { type: 'votes', from: signer, votes: [vote], view: at, final: view - 1, nowMs: view }
  }
  return {
    view,
    proposal,
    propose:
      leader === SELF
        ? null
        : { type: 'propose', from: leader, proposal, signature: SIGNATURE, nowMs: view, wallMs: view },
    notarize: others.filter((member) => member !== leader).map((member) => say(member, KIND.notarize, view)),
    finalize: others.map((member) => say(member, KIND.finalize, view + 1))
  }
}
