import { type Committee, createCommittee, KIND, type Proposal, type Rules, type State } from '@brume/consensus'
import {
  bornMember,
  deliver,
  keyOf,
  type Letter,
  lettersOf,
  makeBlock,
  makeCertificate,
  makeVote,
  nameOf,
  saidIn,
  viewsOf
} from './member.ts'
import { Verdicts } from './verdicts.ts'

export interface ExploreOptions {
  /** Views 1 to this are explored; what lies beyond is not delivered. */
  readonly views: number
  /** Wall time, seconds, for all configurations together. */
  readonly seconds: number
  readonly rules?: Partial<Rules> | undefined
  readonly nowS: () => number
  /** Views the liar leads, one search each; null = none of them. Default all. */
  readonly cases?: readonly (number | null)[]
}

export interface Explored {
  /** Which of the views the liar leads; null = one beyond them. */
  readonly liarLeads: number | null
  /** Public states: what each member has said, and what each may have heard without saying more. */
  readonly states: number
  /** Global states these stand for: products of what the members may be. */
  readonly globalStates: number
  readonly localStates: number
  readonly isComplete: boolean
  readonly violation: string | null
}

const ID = new Uint8Array(32).fill(9)
const MEMBERS = 4
const LOOK_EVERY = 4_096

interface Local {
  readonly state: State
  /** Letters its saying puts into the world, by number. */
  readonly letters: readonly number[]
  /** What it said, as bits; two local states with the same are told apart by nobody. */
  readonly said: number
  /** By letter, the local state it leads to. */
  readonly next: (number | undefined)[]
}

/** What a member may be, given what everybody knows it has said: local states, ascending. */
interface Belief {
  readonly id: number
  readonly locals: readonly number[]
}

type Public = readonly [Belief, Belief, Belief]

/**
 * Every order in which messages can reach three honest members of four, the fourth being a liar that may
 * say anything it can sign, to anybody, at any time; timers fire whenever.
 *
 * Messages are never used up: from the moment something was said, anybody may hear it, now, later or
 * never. So what a member may have become depends on what was said when, and on its own unseen choices of
 * what it has heard; the choices of two members do not touch each other until one of them says something.
 * A search over what is said in public, with the set of all that each member may be by then, therefore
 * covers every interleaving exactly, and hearing without saying (nearly all of them) costs no state.
 */
export function explore(options: ExploreOptions): readonly Explored[] {
  const endS = options.nowS() + options.seconds
  const members = [1, 2, 3, 4].map((byte) => ({ key: new Uint8Array(32).fill(byte), weight: 1 }))
  const committee = createCommittee({ groupId: ID, epoch: 0, hash: ID, seed: ID, members })
  const cases = options.cases ?? [...Array.from({ length: options.views }, (_, i) => i + 1), null]
  return cases.map((view, i) => {
    const liar = committee.leaders[(view ?? MEMBERS) - 1] ?? 0
    const seconds = (endS - options.nowS()) / (cases.length - i)
    return new Explorer(committee, liar, options, seconds).run(view)
  })
}

class Explorer {
  readonly #committee: Committee
  readonly #liar: number
  readonly #honest: readonly number[]
  readonly #options: ExploreOptions
  readonly #endS: number
  readonly #letters: Letter[] = []
  readonly #letterIds = new Map<string, number>()
  readonly #blocks = new Map<string, Proposal>()
  /** What the liar can say about a block once it is known. */
  readonly #lies = new Map<number, readonly number[]>()
  readonly #always: readonly number[]
  readonly #locals: Local[][] = [[], [], []]
  readonly #localIds: readonly Map<string, number>[] = [new Map(), new Map(), new Map()]
  readonly #beliefs = new Map<string, Belief>()
  readonly #seen = new Set<string>()
  readonly #verdicts = new Verdicts()
  #globalStates = 0
  #steps = 0
  #isOver = false

  constructor(committee: Committee, liar: number, options: ExploreOptions, seconds: number) {
    this.#committee = committee
    this.#liar = liar
    this.#honest = [0, 1, 2, 3].filter((member) => member !== liar)
    this.#options = options
    this.#endS = options.nowS() + seconds
    this.#always = [this.#idOf({ type: 'timer' }), ...this.#ownLies()]
  }

  run(liarLeads: number | null): Explored {
    const result = this.#search(this.#first())
    const localStates = this.#locals.reduce((sum, locals) => sum + locals.length, 0)
    return { liarLeads, states: this.#seen.size, globalStates: this.#globalStates, localStates, ...result }
  }

  #first(): Public {
    const genesis = { view: 0, height: 0, digest: '00'.repeat(32), timeMs: 0, certificate: null }
    const born = this.#honest.map((member, i) =>
      this.#intern(i, bornMember(this.#committee, member, genesis, this.#options.rules ?? {}))
    )
    const alone = born.map((local) => this.#belief([local])) as [Belief, Belief, Belief]
    return this.#hear(alone)
  }

  /** Depth first, so that a search that is cut short has still seen whole runs. */
  #search(first: Public): { isComplete: boolean; violation: string | null } {
    const stack: Public[] = []
    const push = (at: Public): void => {
      const key = at.map(({ id }) => id).join()
      if (this.#seen.has(key)) return
      this.#seen.add(key)
      this.#globalStates += at.reduce((product, { locals }) => product * locals.length, 1)
      stack.push(at)
    }
    push(first)
    for (;;) {
      const at = stack.pop()
      if (at === undefined) return { isComplete: true, violation: null }
      const violation = this.#judge(at)
      if (violation !== null) return { isComplete: false, violation }
      for (const next of this.#moves(at)) push(next)
      if (this.#isOver) return { isComplete: false, violation: null }
    }
  }

  /** Everything that some member may say next, each with what it may have become by saying it. */
  *#moves(at: Public): Iterable<Public> {
    const sayable = this.#sayable(at)
    for (const i of [0, 1, 2] as const) {
      const said = this.#saidBy(i, at[i])
      const bySaying = new Map<number, Set<number>>()
      for (const local of at[i].locals) {
        for (const letter of sayable) {
          const after = this.#next(i, local, letter)
          const now = this.#locals[i]?.[after]?.said ?? 0
          if (now === said) continue
          const group = bySaying.get(now) ?? new Set<number>()
          bySaying.set(now, group.add(after))
        }
      }
      for (const group of bySaying.values()) yield this.#hear(at.with(i, this.#belief([...group])) as unknown as Public)
    }
  }

  /** Each member may have heard any of what is sayable, as long as that made it say nothing. */
  #hear(at: Public): Public {
    const sayable = this.#sayable(at)
    const heard = at.map((belief, i) => {
      const said = this.#saidBy(i, belief)
      const reached = new Set(belief.locals)
      for (const local of reached) {
        for (const letter of sayable) {
          const after = this.#next(i, local, letter)
          if (this.#locals[i]?.[after]?.said === said) reached.add(after)
        }
      }
      return reached.size === belief.locals.length ? belief : this.#belief([...reached])
    })
    return heard as unknown as Public
  }

  #saidBy(i: number, { locals }: Belief): number {
    return this.#locals[i]?.[locals[0] ?? 0]?.said ?? 0
  }

  /** All that anybody may hear: what was said, what the liar makes of it, and certificates of two honest votes and its own. */
  #sayable(at: Public): readonly number[] {
    const sayable = new Set(this.#always)
    for (const [i, { locals }] of at.entries()) {
      for (const letter of this.#locals[i]?.[locals[0] ?? 0]?.letters ?? []) {
        sayable.add(letter)
        for (const lie of this.#lies.get(letter) ?? []) sayable.add(lie)
      }
    }
    const said = at.map((belief, i) => this.#saidBy(i, belief))
    for (const { kind, view, digest, bit } of this.#verdicts.statementsIn(this.#certain(at))) {
      const signers = [this.#liar, ...this.#honest.filter((_, i) => ((said[i] ?? 0) & bit) !== 0)].sort()
      const vote = makeVote(kind, this.#liar, this.#committee.epoch, view, this.#blocks.get(digest) ?? null)
      sayable.add(this.#idOf({ type: 'certificate', from: this.#liar, certificate: makeCertificate(vote, signers) }))
    }
    return [...sayable]
  }

  #certain(at: Public): number {
    const [a, b, c] = [this.#saidBy(0, at[0]), this.#saidBy(1, at[1]), this.#saidBy(2, at[2])]
    return (a & b) | (a & c) | (b & c)
  }

  #judge(at: Public): string | null {
    return this.#verdicts.judge(this.#certain(at))
  }

  #belief(locals: readonly number[]): Belief {
    const sorted = locals.toSorted((a, b) => a - b)
    const key = sorted.join()
    const known = this.#beliefs.get(key)
    if (known !== undefined) return known
    const belief = { id: this.#beliefs.size, locals: sorted }
    this.#beliefs.set(key, belief)
    return belief
  }

  /** The local state after a letter; the same where it changes nothing. */
  #next(i: number, before: number, letter: number): number {
    this.#tire()
    const local = this.#locals[i]?.[before] as Local
    if (this.#isOver) return before
    const known = local.next[letter]
    if (known !== undefined) return known
    const content = this.#letters[letter] as Letter
    const after = this.#isFor(i, local.state, content) ? this.#intern(i, deliver(local.state, content)) : before
    local.next[letter] = after
    return after
  }

  /** Looked at once in so many steps: a clock costs as much as a step. */
  #tire(): void {
    this.#steps += 1
    if (this.#steps % LOOK_EVERY === 0 && this.#options.nowS() > this.#endS) this.#isOver = true
  }

  #isFor(i: number, state: State, letter: Letter): boolean {
    const self = this.#honest[i]
    if (letter.type === 'timer') return state.view <= this.#options.views
    if (letter.type === 'vote') return letter.vote.signer !== self
    return letter.from !== self
  }

  #intern(i: number, state: State): number {
    const key = keyOf(state)
    const ids = this.#localIds[i] as Map<string, number>
    const known = ids.get(key)
    if (known !== undefined) return known
    const locals = this.#locals[i] as Local[]
    const id = locals.length
    ids.set(key, id)
    for (const { held } of viewsOf(state)) for (const { proposal } of held) this.#learn(proposal)
    const letters = lettersOf(state, this.#options.views).map((letter) => this.#idOf(letter))
    let said = 0
    for (const view of viewsOf(state)) {
      if (view.view > this.#options.views) continue
      for (const { kind, digest } of saidIn(view)) said |= this.#verdicts.bitOf(kind, view.view, digest)
    }
    locals.push({ state, letters, said, next: [] })
    return id
  }

  #idOf(letter: Letter): number {
    const name = nameOf(letter)
    const known = this.#letterIds.get(name)
    if (known !== undefined) return known
    const id = this.#letters.push(letter) - 1
    this.#letterIds.set(name, id)
    if (letter.type !== 'block') return id
    this.#learn(letter.proposal)
    this.#lies.set(id, this.#liesAbout(letter.proposal))
    return id
  }

  #learn(block: Proposal): void {
    this.#blocks.set(block.digest, block)
    this.#verdicts.learn(block)
  }

  /** What the liar can say whatever the others do: nullify, and two blocks on genesis in a view it leads. */
  #ownLies(): readonly number[] {
    const { epoch, leaders } = this.#committee
    const lies: number[] = []
    for (let view = 1; view <= this.#options.views; view++) {
      lies.push(this.#idOf({ type: 'vote', vote: makeVote(KIND.nullify, this.#liar, epoch, view, null) }))
      if (leaders[(view - 1) % leaders.length] !== this.#liar) continue
      for (const variant of view === 1 ? ['a', 'b'] : ['a']) {
        const block = makeBlock({ epoch, view, parentView: 0, parent: '00'.repeat(32), height: 1 }, variant)
        const letter = this.#idOf({ type: 'block', from: this.#liar, proposal: block })
        lies.push(letter, ...(this.#lies.get(letter) ?? []))
      }
    }
    return lies
  }

  /** Votes for it, the block again as from somebody who was asked, and a block of the liar's on top of it. */
  #liesAbout(block: Proposal): readonly number[] {
    const { epoch, leaders } = this.#committee
    const lies = [KIND.notarize, KIND.finalize].map((kind) =>
      this.#idOf({ type: 'vote', vote: makeVote(kind, this.#liar, epoch, block.view, block) })
    )
    for (let view = block.view + 1; view <= this.#options.views; view++) {
      if (leaders[(view - 1) % leaders.length] !== this.#liar) continue
      const place = { epoch, view, parentView: block.view, parent: block.digest, height: block.height + 1 }
      const letter = this.#idOf({ type: 'block', from: this.#liar, proposal: makeBlock(place, 'a') })
      lies.push(letter, ...(this.#lies.get(letter) ?? []))
    }
    return lies
  }
}
