import type { State } from '@brume/consensus'
import { bornMember, deliver, deliverQuorum, keyOf, type Letter, saidIn, viewsOf } from './member.ts'
import type { World } from './world.ts'

const GENESIS = { view: 0, height: 0, digest: '00'.repeat(32), timeMs: 0, certificate: null }

/** What one member may be: its states by number, each known once, and where each letter leads from it, computed once. */
export class Locals {
  readonly self: number
  readonly #world: World
  readonly #states: State[] = []
  readonly #said: number[] = []
  readonly #next: number[][] = []
  readonly #ids = new Map<string, number>()

  constructor(world: World, self: number) {
    this.#world = world
    this.self = self
    this.#intern(bornMember(world.committee, self, GENESIS, world.rules))
  }

  get size(): number {
    return this.#states.length
  }

  said(local: number): number {
    return this.#said[local] as number
  }

  viewOf(local: number): number {
    return (this.#states[local] as State).view
  }

  /** The state after a letter; the same number where it changes nothing. */
  next(local: number, letter: number): number {
    const known = (this.#next[local] as number[])[letter]
    return known ?? this.#learn(local, letter)
  }

  #learn(local: number, letter: number): number {
    const before = this.#states[local] as State
    const state = this.#after(before, this.#world.vocabulary.letters[letter] as Letter)
    const after = state === before ? local : this.#intern(state)
    const next = this.#next[local] as number[]
    while (next.length < letter) next.push(undefined as unknown as number)
    next[letter] = after
    return after
  }

  #after(state: State, letter: Letter): State {
    const { views, sets } = this.#world
    if (letter.type === 'timer') return state.view <= views ? deliver(state, letter) : state
    if (letter.type !== 'votes' || sets === 'each') return deliver(state, letter)
    return deliverQuorum(state, letter.votes)
  }

  #intern(state: State): number {
    const { views, vocabulary, verdicts } = this.#world
    const key = keyOf(state, views)
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = this.#states.push(state) - 1
    this.#ids.set(key, id)
    let said = 0
    for (const { view, held, said: words } of viewsOf(state)) {
      if (view > views) continue
      for (const { proposal } of held) vocabulary.learn(proposal)
      for (const { kind, digest } of saidIn({ said: words })) said |= verdicts.bitOf(kind, view, digest)
    }
    this.#said.push(said)
    this.#next.push([])
    return id
  }
}
