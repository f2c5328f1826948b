import {
  type Certificate,
  type Effect,
  type Event,
  type Held,
  type Proposal,
  type Purpose,
  type State,
  signedBytes,
  step,
  type Vote,
  wakeAtMs
} from '@brume/consensus'
import { verify, verifyAsync } from '@brume/crypto'
import type { Cancel, Clock } from '@brume/ports'
import type { Persistence } from './persist.ts'
import type { Sending } from './send.ts'

/** Signatures checked in the turn they are needed in (0.1 ms each); more go to the thread pool. */
const VERIFY_INLINE_MAX = 8

/** How fast the measure of a proposal's work follows when it falls; when it rises it follows at once. */
const WORK_DECAY = 0.1

/** What the reducer asks of the group beyond votes, disk and time. */
export interface Duties {
  build(request: Extract<Effect, { type: 'build' }>): Proposal | null
  /** Oldest pending commands to everybody, before this member gives up on a leader. */
  spread(): void
  notarized(proposal: Proposal): void
  finalized(blocks: readonly Held[], certificate: Certificate): void
  entered(view: number, by: Extract<Effect, { type: 'entered' }>['by']): void
  behind(certificate: Certificate): void
  /** Two statements that exclude each other, both signatures valid. */
  equivocated(a: Vote, b: Vote): void
  dropped(reason: Extract<Effect, { type: 'dropped' }>['reason'], from: number): void
  verified(ok: boolean): void
  /** A timer fired: a moment for what would not deserve one of its own. */
  ticked(): void
}

/**
 * The reducer at work: events in, effects carried out, one turn at a time. A turn takes all events
 * that are there, then sends what came of them in as few frames as can be, then arms one timer for the
 * next deadline, or none.
 */
export class Engine {
  #state: State
  readonly #clock: Clock
  readonly #sending: Sending
  readonly #persistence: Persistence
  readonly #duties: Duties
  readonly #queue: Event[] = []
  #running = false
  #stopped = false
  #workMs = 0
  #wake: { readonly atMs: number; readonly cancel: Cancel } | null = null

  constructor(state: State, clock: Clock, sending: Sending, persistence: Persistence, duties: Duties) {
    this.#state = state
    this.#clock = clock
    this.#sending = sending
    this.#persistence = persistence
    this.#duties = duties
  }

  get state(): State {
    return this.#state
  }

  /** What a block of another member takes from its arrival until it is judged, ms; the worst of late. */
  get workMs(): number {
    return this.#workMs
  }

  now(): { readonly nowMs: number; readonly wallMs: number } {
    return { nowMs: this.#clock.now(), wallMs: Math.floor(this.#clock.wall()) }
  }

  /**
   * Takes an event now; its effects wait for `run`, so that a batch of input makes one turn. A floor that was fetched
   * goes first: what waits may hold the same blocks, and they would become final, and take effect, a second time.
   */
  post(event: Event): void {
    if (this.#stopped) return
    // Commands come by the hundred, and of the pool only its newest state counts.
    if (event.type === 'pool' && this.#queue.at(-1)?.type === 'pool') this.#queue.pop()
    if (event.type === 'adopt') this.#queue.unshift(event)
    else this.#queue.push(event)
  }

  postAndRun(event: Event): void {
    this.post(event)
    this.run()
  }

  run(): void {
    if (this.#running || this.#stopped) return
    this.#running = true
    try {
      for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
        const { state, effects } = step(this.#state, event)
        this.#state = state
        for (const effect of effects) this.#carryOut(effect)
        if (event.type === 'propose') this.#worked(this.#clock.now() - event.nowMs)
      }
      this.#sending.flush(this.#state)
    } finally {
      this.#running = false
    }
    this.#arm()
  }

  stop(): void {
    this.#stopped = true
    this.#queue.length = 0
    this.#wake?.cancel()
    this.#wake = null
  }

  #worked(ms: number): void {
    this.#workMs = Math.max(ms, this.#workMs + WORK_DECAY * (ms - this.#workMs))
  }

  /** A timer that is too early is kept: deadlines move with every vote, and to arm another costs more than to wake in vain. */
  #arm(): void {
    const nowMs = this.#clock.now()
    const atMs = wakeAtMs(this.#state, nowMs)
    if (this.#wake !== null && atMs !== null && this.#wake.atMs <= atMs) return
    this.#wake?.cancel()
    this.#wake = null
    if (atMs === null || this.#stopped) return
    const cancel = this.#clock.after(Math.max(0, atMs - nowMs), () => this.#woken(atMs))
    this.#wake = { atMs, cancel }
  }

  #woken(armedForMs: number): void {
    this.#wake = null
    // From before the moment it was armed for: one that has passed since was tried by nobody yet.
    const atMs = wakeAtMs(this.#state, armedForMs - 1)
    if (atMs === null || atMs > Math.max(armedForMs, this.#clock.now())) return this.#arm()
    this.#duties.ticked()
    this.postAndRun({ type: 'tick', ...this.now() })
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        return this.#sending.queue(effect.to, effect.message)
      case 'cast':
        return this.#cast(effect)
      case 'verify':
        return this.#verify(effect.purpose, effect.votes)
      case 'build':
        return this.post({ type: 'built', view: effect.view, proposal: this.#duties.build(effect), ...this.now() })
      case 'keep':
        return this.#persistence.keep(effect.certificate)
      case 'spread':
        return this.#duties.spread()
      case 'notarized':
        return this.#duties.notarized(effect.proposal)
      case 'finalized':
        return this.#duties.finalized(effect.blocks, effect.certificate)
      case 'entered':
        return this.#duties.entered(effect.view, effect.by)
      case 'behind':
        return this.#duties.behind(effect.certificate)
      case 'conflict':
        return this.#proveConflict(effect.a, effect.b)
      case 'dropped':
        return this.#duties.dropped(effect.reason, effect.from)
    }
  }

  #cast({ statement, proposal, signature }: Extract<Effect, { type: 'cast' }>): void {
    this.#persistence.cast(statement, proposal === null ? null : { proposal, signature }, (vote) =>
      this.postAndRun({ type: 'synced', votes: [vote], ...this.now() })
    )
  }

  #verify(purpose: Purpose, votes: readonly Vote[]): void {
    if (votes.length <= VERIFY_INLINE_MAX) {
      this.post(
        this.#verdict(
          purpose,
          votes,
          votes.map((vote) => this.#isSigned(vote))
        )
      )
      return
    }
    const { members } = this.#state.config.committee
    const checks = votes.map((vote) => {
      const key = members[vote.signer]?.key
      if (key === undefined) return Promise.resolve(false)
      return verifyAsync(key, signedBytes(this.#state.config.committee, vote), vote.signature)
    })
    void Promise.all(checks).then((valid) => this.postAndRun(this.#verdict(purpose, votes, valid)))
  }

  #verdict(purpose: Purpose, votes: readonly Vote[], valid: readonly boolean[]): Event {
    const bad = votes.filter((_, i) => valid[i] !== true).map(({ signer }) => signer)
    for (const ok of valid) this.#duties.verified(ok)
    return { type: 'verified', purpose, votes, bad, ...this.now() }
  }

  /** Checks one signature, and counts it. */
  check(vote: Vote): boolean {
    const ok = this.#isSigned(vote)
    this.#duties.verified(ok)
    return ok
  }

  #isSigned(vote: Vote): boolean {
    const { committee } = this.#state.config
    const key = committee.members[vote.signer]?.key
    return key !== undefined && verify(key, signedBytes(committee, vote), vote.signature)
  }

  #proveConflict(a: Vote, b: Vote): void {
    if (this.#isSigned(a) && this.#isSigned(b)) this.#duties.equivocated(a, b)
  }
}
