import { toHex } from '@brume/codec'
import { Holding } from './holding.ts'
import type { WholePeer } from './peer.ts'
import type { Person } from './people.ts'

/** What a run is there for, beside what no run may break. */
export type Expectation =
  /** Every honest member is told of proof against this one, and nobody of two. */
  | { readonly type: 'proven'; readonly member: number }
  /** Two processes with the key of this member have both stopped, before anybody came to look. */
  | { readonly type: 'stopped'; readonly member: number }
  /** An honest process holds at most so much more than before the flood, and is hardly slower beside it. */
  | { readonly type: 'bounded'; readonly bytes: number }
  /** It is found out that what this member said is forgotten. */
  | { readonly type: 'forgot'; readonly member: number }
  /** Members that decide are in different epochs at a time. */
  | { readonly type: 'apart' }
  /** So many epochs later all founders still sit, though one asked to leave: without it no committee is sound. */
  | { readonly type: 'seated'; readonly epoch: number }

/** Notes what happens of that in a run. */
export class Expectations {
  readonly #expected: readonly Expectation[]
  readonly #people: readonly Person[]
  #wasApart = false
  /** Members that stopped with their twins. */
  readonly #stopped = new Set<number>()
  readonly #holding: Holding | null
  #all: readonly WholePeer[] = []

  constructor(expected: readonly Expectation[], people: readonly Person[]) {
    this.#expected = expected
    this.#people = people
    this.#holding = expected.some(({ type }) => type === 'bounded') ? new Holding(() => this.#diskBytes()) : null
  }

  /** Of all living processes together, the most above what it was before the flood; null where nobody measures. */
  get heldBytes(): number | null {
    return this.#holding?.mostBytes ?? null
  }

  /** It begins now: what was there before is not its doing. @param all - whose disks are no part of what they hold */
  flooded(all: readonly WholePeer[]): void {
    this.#all = all
    this.#holding?.begin()
  }

  #diskBytes(): number {
    return this.#all.reduce((sum, { store, medium }) => {
      return medium.records.reduce((bytes, { payload }) => bytes + payload.length, sum + store.bytes)
    }, 0)
  }

  /** The living, now. */
  look(living: readonly WholePeer[]): void {
    const epochs = living.flatMap(({ life }) => {
      const status = life?.group.status()
      return status?.state === 'voting' ? [status.epoch] : []
    })
    this.#holding?.look()
    this.#wasApart ||= new Set(epochs).size > 1
    for (const { index, life, twin } of living) {
      const states = [life, twin?.life].map((one) => one?.group.status().state)
      if (states.every((state) => state === 'halted')) this.#stopped.add(index)
    }
  }

  /** What did not happen by the end; null where all did. */
  missing(honest: readonly WholePeer[], all: readonly WholePeer[]): string | null {
    for (const expected of this.#expected) {
      const what = this.#missing(expected, honest, all)
      if (what !== null) return what
    }
    return null
  }

  #missing(expected: Expectation, honest: readonly WholePeer[], all: readonly WholePeer[]): string | null {
    switch (expected.type) {
      case 'apart':
        return this.#wasApart ? null : 'no two members were in different epochs'
      case 'proven': {
        const key = toHex(this.#people[expected.member]?.identity.publicKey ?? new Uint8Array(0))
        const others = honest.filter(({ index }) => index !== expected.member)
        const unaware = others.filter(({ proven }) => ![...proven].some((name) => name.startsWith(key)))
        return unaware.length === 0 ? null : `process ${unaware.map(({ index }) => index)} has no proof`
      }
      case 'bounded': {
        const each = Math.round((this.heldBytes ?? 0) / all.length)
        return each <= expected.bytes ? null : `each group holds ${each} bytes more than before the flood`
      }
      case 'stopped':
        return this.#stopped.has(expected.member) ? null : `process ${expected.member} and its twin did not both stop`
      case 'forgot': {
        const reasons = all.find(({ index }) => index === expected.member)?.reasons ?? new Set()
        return reasons.size > 0 ? null : `process ${expected.member} votes as if it had forgotten nothing`
      }
      case 'seated': {
        const status = honest[0]?.life?.group.status()
        if (status === undefined || status.epoch < expected.epoch) return `epoch ${expected.epoch} never came`
        return status.members.length === this.#founders(honest) ? null : 'a committee was formed that cannot decide'
      }
    }
  }

  #founders(honest: readonly WholePeer[]): number {
    return honest[0]?.founders ?? 0
  }
}
