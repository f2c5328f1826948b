import type { Outcome, Quorum, SlotGroup } from '@brume/actors/quorum'
import { asArray, asBytes, decode, equal, Reader } from '@brume/codec'
import { KIND, weightOf } from '@brume/consensus'
import type { SlotVote } from '@brume/consensus/slot'
import { committeeOf, decodeManifest, encodeManifest, readSlotVote } from '@brume/protocols/quorum'
import type { JournalMedium } from '@brume/testkit'
import type { WholeOracle } from './oracle/oracle.ts'

/** One value that the members are to decide beside their log. */
export interface SlotPlan {
  readonly atMs: number
  /** All compute the same; one does not, and never twice the same; each computes its own; only so many compute at all. */
  readonly what: 'same' | 'one-differs' | 'all-differ' | 'few'
  /** May leaders propose where results decide nothing? */
  readonly leaderViews: boolean
}

/** Time for computing: so that whoever is down for longer finds the slot without its result. */
const RESULT_MS = 1_500

/** Kind of the journal's records of votes in slots. */
const VOTE_RECORD = 12
const RECORD_BYTES_MAX = 65_536

/** The same members as those of a log, who decide single values. */
export function slotManifestOf(manifest: Uint8Array): Uint8Array {
  return encodeManifest({ ...decodeManifest(manifest), name: 'simulated slots', kind: 'slot' })
}

export interface SlotMember {
  readonly index: number
  readonly isLiar: boolean
  readonly medium: JournalMedium
}

/** Slots of a run: who has opened which, with what result, and how each of them ended where. */
export class Slots {
  readonly #plans: readonly SlotPlan[]
  readonly #manifest: Uint8Array
  readonly #members: number
  readonly #oracle: WholeOracle
  readonly #groups = new Map<number, SlotGroup>()
  readonly #seen = new Map<number, SlotMember>()
  readonly #ended = new Map<string, Outcome['type']>()
  #opened = 0
  #lives = 0

  constructor(plans: readonly SlotPlan[], manifest: Uint8Array, members: number, oracle: WholeOracle) {
    this.#plans = plans
    this.#manifest = manifest
    this.#members = members
    this.#oracle = oracle
  }

  /** A process begins: it opens what the others have opened. */
  began(member: SlotMember, quorum: Quorum): void {
    if (this.#plans.length === 0 || member.index >= this.#members) return
    this.#lives += 1
    const group = quorum.slots(this.#manifest)
    this.#groups.set(member.index, group)
    this.#seen.set(member.index, member)
    for (let number = 0; number < this.#opened; number++) this.#join(member, group, number)
  }

  died({ index }: SlotMember): void {
    this.#groups.delete(index)
  }

  /** Everybody that lives opens the next one. */
  open(members: readonly SlotMember[]): void {
    const number = this.#opened++
    for (const member of members) {
      const group = this.#groups.get(member.index)
      if (group !== undefined) this.#join(member, group, number)
    }
  }

  /** Has this process an end of every slot that can end? */
  isDone({ index }: SlotMember): boolean {
    if (index >= this.#members) return true
    for (let number = 0; number < this.#opened; number++) {
      if (!this.#ended.has(`${index}/${number}`) && !this.#isSplit(number)) return false
    }
    return true
  }

  /**
   * Some have said that they finalize the results and others that they give them up, and neither are a quorum: with no
   * leader views nobody may say anything more, and nobody was told of an end.
   */
  #isSplit(number: number): boolean {
    if (this.#plans[number]?.leaderViews !== false) return false
    const members = Array.from({ length: this.#members }, (_, i) => i)
    if (members.some((index) => this.#ended.has(`${index}/${number}`))) return false
    const votes = [...this.#seen.values()].flatMap(({ medium }) => this.#votesOf(medium, number))
    const committee = committeeOf(this.#manifest)
    return [KIND.finalize, KIND.nullify].every((said) => {
      const signers = new Set(votes.filter(({ kind }) => kind === said).map(({ signer }) => signer))
      return signers.size > 0 && weightOf(committee, [...signers]) < committee.quorum
    })
  }

  #votesOf({ records }: JournalMedium, number: number): readonly SlotVote[] {
    const { groupId } = committeeOf(this.#manifest)
    return records.flatMap(({ kind, payload }) => {
      if (kind !== VOTE_RECORD) return []
      const [group, bytes] = asArray(decode(payload, { bytesMax: RECORD_BYTES_MAX }), 'journal record', 2)
      if (!equal(asBytes(group, 'groupId', 32), groupId)) return []
      const vote = readSlotVote(new Reader(asBytes(bytes, 'vote', { min: 1, max: RECORD_BYTES_MAX })))
      return vote.epoch === number ? [vote] : []
    })
  }

  #join(member: SlotMember, group: SlotGroup, number: number): void {
    const plan = this.#plans[number]
    // Others may lack the value of one that is decided, which is on no disk; of other ends nothing but the journal's proof.
    const ended = this.#ended.get(`${member.index}/${number}`)
    if (plan === undefined || (ended !== undefined && ended !== 'decided')) return
    const slot = group.open(number, { resultMs: RESULT_MS, leaderViews: plan.leaderViews })
    const value = this.#valueOf(plan, number, member)
    if (value !== null) {
      if (!member.isLiar) this.#oracle.computed(number, value)
      slot.decide(Buffer.from(value))
    }
    slot.outcome.then(
      (outcome) => this.#end(member, number, plan, outcome),
      () => {}
    )
  }

  #end({ index, isLiar }: SlotMember, number: number, { leaderViews }: SlotPlan, outcome: Outcome): void {
    this.#ended.set(`${index}/${number}`, outcome.type)
    if (isLiar) return
    const value = outcome.type === 'decided' ? Buffer.from(outcome.value).toString() : null
    if (outcome.type === 'undecided' && leaderViews)
      this.#oracle.fail('slots', `process ${index} gave slot ${number} up, which a leader may decide`)
    this.#oracle.decided(index, number, outcome.type, value)
  }

  #valueOf({ what }: SlotPlan, number: number, { index, isLiar }: SlotMember): string | null {
    const value = `value ${number}`
    if (isLiar || (what === 'one-differs' && index === number % this.#members)) return `${value} of life ${this.#lives}`
    if (what === 'few') return index === 0 ? value : null
    return what === 'all-differ' ? `${value} of ${index}` : value
  }
}
