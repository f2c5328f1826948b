import { certifies, createCommittee } from '../../committee.ts'
import { type Digest, KIND } from '../../statement.ts'
import { dice } from '../../test/dice.ts'
import type { SlotEffect, SlotEvent, SlotMessage } from '../events.ts'
import { createSlot, type SlotConfig, type SlotState } from '../state.ts'
import {
  DISAGREE,
  notarizeKind,
  RESULT,
  type SlotCertificate,
  type SlotStatement,
  type SlotVote
} from '../statement.ts'
import { slotStep } from '../step.ts'
import { slotWakeAtMs } from '../timing.ts'
import type { Record as Evidence } from './checker.ts'

const ID = new Uint8Array(32).fill(1)
const DELTA_MS = 50
const DELAY_MS_MAX = 40
/** A run takes some ten thousand. */
const EVENTS_MAX = 400_000

export interface Setting {
  readonly seed: number
  readonly weights: readonly number[]
  /** Members that lie; together at most F. */
  readonly liars: readonly number[]
  /** What each honest member computes; null = its computation never ends. */
  readonly results: readonly (Digest | null)[]
  readonly leaderViews: boolean
  /** Until then links lose, cut and delay, and members crash, at this rate per thousand. */
  readonly calmAtMs: number
  readonly lossPerMille: number
  readonly crashPerMille: number
  readonly resultMs?: number
}

type Written = { readonly vote: SlotVote } | { readonly certificate: SlotCertificate }

interface Member {
  state: SlotState
  /** Counts restarts: what was asked of an earlier life is void. */
  life: number
  up: boolean
  disk: Written[]
  /** Appended and not yet synced: a crash keeps as much of its beginning as it likes. */
  tail: Written[]
  decided: Digest | null
  undecided: boolean
}

/** Members of one slot in virtual time, over links and disks that fail, with liars who hear and say everything. */
export class SlotWorld {
  nowMs = 0
  readonly members: Member[]
  readonly signed: SlotVote[] = []
  readonly conflicts: number[] = []
  readonly decisions: { member: number; digest: Digest }[] = []
  sent = 0
  readonly #setting: Setting
  readonly #roll: (below: number) => number
  readonly #tasks: { atMs: number; order: number; run: () => void }[] = []
  #order = 0

  constructor(setting: Setting) {
    this.#setting = setting
    this.#roll = dice(setting.seed)
    this.members = setting.weights.map((_, self) => ({
      state: createSlot(this.#configOf(self), 0),
      life: 0,
      up: true,
      disk: [],
      tail: [],
      decided: null,
      undecided: false
    }))
    setting.weights.forEach((_, self) => {
      this.#start(self)
    })
    for (const liar of setting.liars) this.#later(this.#roll(100), () => this.#lie(liar))
    if (setting.crashPerMille > 0) this.#later(50, () => this.#crashSome())
  }

  get committee() {
    return this.#configOf(0).committee
  }

  /** Until all honest members are through, or until this time. */
  run(untilMs: number): void {
    for (let events = 0; ; events++) {
      if (events > EVENTS_MAX) throw new Error(`a storm: ${events} events and no end`)
      const next = this.#tasks.pop()
      if (next === undefined || next.atMs > untilMs) return
      this.nowMs = next.atMs
      next.run()
      if (this.nowMs >= this.#setting.calmAtMs && this.#isOver()) return
    }
  }

  evidence(): Evidence {
    const { weights, liars, results } = this.#setting
    const honest = new Set(weights.map((_, i) => i).filter((i) => !liars.includes(i)))
    const computed = new Set(results.filter((digest, i) => digest !== null && honest.has(i)).map(String))
    return { weights, honest, votes: this.signed, computed, disagree: DISAGREE, decisions: this.decisions }
  }

  #configOf(self: number): SlotConfig {
    const { weights, leaderViews, resultMs = 1_000 } = this.#setting
    const members = weights.map((weight, i) => ({ key: new Uint8Array(32).fill(i + 1), weight }))
    const committee = createCommittee({ groupId: ID, epoch: 3, hash: ID, seed: ID, members })
    return { committee, self, leaderViews, resultMs, deltaMs: DELTA_MS }
  }

  #isOver(): boolean {
    const { liars } = this.#setting
    return this.members.every(({ decided, undecided }, i) => liars.includes(i) || decided !== null || undecided)
  }

  #later(afterMs: number, run: () => void): void {
    const task = { atMs: this.nowMs + afterMs, order: this.#order++, run }
    let at = this.#tasks.length
    const isAfter = (other: { atMs: number; order: number } | undefined) =>
      other !== undefined && (other.atMs < task.atMs || (other.atMs === task.atMs && other.order < task.order))
    while (at > 0 && isAfter(this.#tasks[at - 1])) at--
    this.#tasks.splice(at, 0, task)
  }

  #start(self: number): void {
    const member = this.members[self]
    if (member === undefined) return
    this.feed(self, { type: 'tick', nowMs: this.nowMs })
    const digest = this.#setting.results[self] ?? null
    const { life } = member
    if (digest === null || this.#setting.liars.includes(self)) return
    this.#later(1 + this.#roll(400), () => {
      if (member.life === life && member.up) this.feed(self, { type: 'result', digest, nowMs: this.nowMs })
    })
  }

  feed(self: number, event: SlotEvent): void {
    const member = this.members[self]
    if (member?.up !== true) return
    const { state, effects } = slotStep(member.state, event)
    member.state = state
    for (const effect of effects) this.#carryOut(self, member, effect)
    this.#armTimer(self, member)
  }

  #armTimer(self: number, member: Member): void {
    const atMs = slotWakeAtMs(member.state)
    if (atMs === null) return
    const { state } = member
    this.#later(Math.max(0, atMs - this.nowMs), () => {
      if (member.state === state) this.feed(self, { type: 'tick', nowMs: this.nowMs })
    })
  }

  #carryOut(self: number, member: Member, effect: SlotEffect): void {
    if (effect.type === 'keep') member.tail.push({ certificate: effect.certificate })
    else if (effect.type === 'cast') this.#sync(self, member, effect.statement)
    else if (effect.type === 'send') this.#send(self, effect.to, effect.message)
    else if (effect.type === 'conflict') this.conflicts.push(effect.a.signer)
    else if (effect.type === 'undecided') member.undecided = true
    else if (effect.type === 'decided' && !this.#setting.liars.includes(self)) {
      member.decided = effect.certificate.digest
      this.decisions.push({ member: self, digest: effect.certificate.digest })
    }
  }

  #sync(self: number, member: Member, statement: SlotStatement): void {
    const vote = this.#sign(self, statement)
    const written = { vote }
    member.tail.push(written)
    const { life } = member
    this.#later(1 + this.#roll(10), () => {
      if (member.life !== life) return
      this.#persist(member, member.tail.indexOf(written) + 1)
      this.feed(self, { type: 'synced', votes: [vote], nowMs: this.nowMs })
    })
  }

  /** Only what lies on a disk has been said: a crash takes the rest back before anybody hears of it. */
  #persist(member: Member, count: number): void {
    for (const written of member.tail.splice(0, count)) {
      member.disk.push(written)
      if ('vote' in written) this.signed.push(written.vote)
    }
  }

  #sign(signer: number, statement: SlotStatement): SlotVote {
    return { ...statement, signer, signature: new Uint8Array(64).fill(signer) }
  }

  #send(from: number, to: 'all' | number, message: SlotMessage): void {
    if (this.#setting.liars.includes(from)) return
    for (const i of this.members.keys()) if (i !== from && (to === 'all' || to === i)) this.#deliver(from, i, message)
  }

  #deliver(from: number, to: number, message: SlotMessage): void {
    this.sent++
    const rough = this.nowMs < this.#setting.calmAtMs
    if (rough && this.#roll(1_000) < this.#setting.lossPerMille) return
    const delayMs = 1 + this.#roll(rough ? 10 * DELAY_MS_MAX : DELAY_MS_MAX)
    this.#later(delayMs, () => this.feed(to, { ...message, from, nowMs: this.nowMs }))
  }

  #crashSome(): void {
    if (this.nowMs > this.#setting.calmAtMs) return
    this.#later(50, () => this.#crashSome())
    const all = this.#roll(20) === 0
    for (const i of this.members.keys()) {
      if (this.#setting.liars.includes(i) || this.#roll(1_000) >= (all ? 900 : this.#setting.crashPerMille)) continue
      this.#crash(i)
    }
  }

  #crash(self: number): void {
    const member = this.members[self]
    if (member?.up !== true) return
    member.up = false
    member.life++
    this.#persist(member, this.#roll(member.tail.length + 1))
    member.tail = []
    this.#later(1 + this.#roll(500), () => {
      member.up = true
      const votes = member.disk.flatMap((written) => ('vote' in written ? [written.vote] : []))
      const certificates = member.disk.flatMap((written) => ('certificate' in written ? [written.certificate] : []))
      member.state = createSlot(this.#configOf(self), this.nowMs, { votes, certificates })
      this.#start(self)
    })
  }

  /** Says anything to anybody: both of what excludes each other, and certificates made of all that was ever signed. */
  #lie(liar: number): void {
    this.#later(20 + this.#roll(120), () => this.#lie(liar))
    const digests = [
      ...new Set([...this.#setting.results.filter((digest) => digest !== null), DISAGREE, 'ee'.repeat(32)])
    ]
    const top = Math.max(...this.members.map(({ state }) => state.view))
    for (const to of this.members.keys()) {
      if (to === liar || this.#roll(2) === 0) continue
      const view = this.#roll(top + 2)
      const digest = digests[this.#roll(digests.length)] ?? ''
      const kind = [notarizeKind(view), KIND.nullify, KIND.finalize][this.#roll(3)] ?? KIND.nullify
      const statement = { kind, epoch: 3, view, digest: kind === KIND.nullify ? '' : digest }
      const vote = this.#sign(liar, statement)
      this.signed.push(vote)
      const results = this.signed.filter((one) => one.kind === RESULT && this.#roll(2) === 0)
      if (kind === KIND.notarize) this.#deliver(liar, to, { type: 'propose', vote, results: results.slice(0, 9) })
      this.#deliver(liar, to, { type: 'votes', votes: [vote] })
      this.#forge(liar, to, statement)
    }
  }

  #forge(liar: number, to: number, { kind, view, digest }: SlotStatement): void {
    const votes = new Map<number, SlotVote>()
    for (const vote of this.signed) {
      if (vote.kind === kind && vote.view === view && vote.digest === digest) votes.set(vote.signer, vote)
    }
    const signers = [...votes.keys()].sort((a, b) => a - b)
    if (!certifies(this.committee, kind, signers)) return
    const signatures = signers.map((signer) => votes.get(signer)?.signature ?? new Uint8Array(64))
    const certificate = { kind, epoch: 3, view, digest, signers, signatures }
    this.#deliver(liar, to, { type: 'certificate', certificate })
  }
}
