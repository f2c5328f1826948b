import { type Committee, createCommittee, KIND, type Proposal, type Rules, type State } from '@brume/consensus'
import { sha256 } from '@brume/crypto'
import { SimRandom } from '@brume/testkit'
import { bornMember, deliver, keyOf, type Letter, lettersOf, makeBlock, makeVote, nameOf, viewsOf } from './member.ts'
import { Verdicts } from './verdicts.ts'

export interface ExploreOptions {
  /** Views 1 to this are explored to their end; what lies beyond is not delivered. */
  readonly views: number
  /** Wall time, seconds, for all configurations together. */
  readonly seconds: number
  readonly rules?: Partial<Rules>
  readonly nowS: () => number
  /** Global states kept, for all configurations together. */
  readonly statesMax?: number
}

export interface Explored {
  /** Which of the views the liar leads; none = a view beyond. */
  readonly liarLeads: number | null
  readonly states: number
  readonly localStates: number
  readonly isComplete: boolean
  readonly violation: string | null
}

/** A JavaScript set holds 2^24 entries at most. */
const SHARDS = 64
const STATES_MAX = 12_000_000
const LOCAL_MAX = 1 << 17
const ID = new Uint8Array(32).fill(9)
const MEMBERS = 4

interface Local {
  readonly state: State
  /** Letters this member's saying puts into the world, by number. */
  readonly letters: readonly number[]
  /** Statements it said, as bits. */
  readonly said: number
  /** By letter: the local state it leads to, 0 = not tried. */
  readonly next: number[]
}

/**
 * Every order in which messages can reach three honest members of four, the fourth being a liar that may
 * say anything it can sign, to anybody, at any time. Messages are never used up: to a member they are
 * there from the moment they were said, and it may hear them now, later, or never; timers fire whenever.
 * So what a member has become depends on its own history alone, a global state is three local ones, and
 * each local step is computed once.
 */
export function explore(options: ExploreOptions): readonly Explored[] {
  const endS = options.nowS() + options.seconds
  const committee = makeCommittee()
  const cases = [...Array.from({ length: options.views }, (_, i) => i + 1), null]
  return cases.map((view, i) => {
    const liar = committee.leaders[(view ?? MEMBERS) - 1] ?? 0
    const leftS = (endS - options.nowS()) / (cases.length - i)
    return new Explorer(committee, liar, options, leftS, (options.statesMax ?? STATES_MAX) / cases.length).run(view)
  })
}

function makeCommittee(): Committee {
  const members = [1, 2, 3, 4].map((byte) => ({ key: new Uint8Array(32).fill(byte), weight: 1 }))
  return createCommittee({ groupId: ID, epoch: 0, hash: ID, seed: ID, members })
}

class Explorer {
  readonly #committee: Committee
  readonly #liar: number
  readonly #honest: readonly number[]
  readonly #options: ExploreOptions
  readonly #endS: number
  readonly #statesMax: number
  readonly #letters: Letter[] = []
  readonly #letterIds = new Map<string, number>()
  readonly #blocks = new Map<string, Proposal>()
  /** What the liar can say once a block exists, by its letter. */
  readonly #lies = new Map<number, readonly number[]>()
  readonly #always: readonly number[]
  readonly #locals: Local[][] = [[], [], []]
  readonly #localIds: Map<string, number>[] = [new Map(), new Map(), new Map()]
  readonly #seen = Array.from({ length: SHARDS }, () => new Set<number>())
  readonly #verdicts = new Verdicts()
  readonly #random = new SimRandom(sha256(ID).subarray(0, 16), 'explore')
  #count = 0

  constructor(committee: Committee, liar: number, options: ExploreOptions, seconds: number, statesMax: number) {
    this.#committee = committee
    this.#liar = liar
    this.#honest = [0, 1, 2, 3].filter((member) => member !== liar)
    this.#options = options
    this.#endS = options.nowS() + seconds
    this.#statesMax = statesMax
    this.#always = [this.#idOf({ type: 'timer' }), ...this.#ownLies()]
  }

  run(liarLeads: number | null): Explored {
    const genesis = { view: 0, height: 0, digest: '00'.repeat(32), timeMs: 0, certificate: null }
    const first = this.#honest.map((member, i) => {
      return this.#intern(i, bornMember(this.#committee, member, genesis, this.#options.rules ?? {}))
    })
    const result = this.#search(first)
    const localStates = this.#locals.reduce((sum, locals) => sum + locals.length, 0)
    return { liarLeads, states: this.#count, localStates, ...result }
  }

  /** Depth first, so that a search that is cut short has still seen whole runs. */
  #search(first: readonly number[]): { isComplete: boolean; violation: string | null } {
    const stack: number[][] = [[...first]]
    this.#isNew(first)
    for (let turn = 0; ; turn++) {
      const at = stack.pop()
      if (at === undefined) return { isComplete: true, violation: null }
      const violation = this.#judge(at)
      if (violation !== null) return { isComplete: false, violation }
      if (this.#count >= this.#statesMax || (turn % 1_024 === 0 && this.#options.nowS() > this.#endS)) {
        return { isComplete: false, violation: null }
      }
      const nexts = this.#successors(at)
      // In a random order: a cut search must not always end in the same corner.
      for (let i = nexts.length - 1; i > 0; i--) {
        const j = this.#random.below(i + 1)
        ;[nexts[i], nexts[j]] = [nexts[j] as number[], nexts[i] as number[]]
      }
      stack.push(...nexts)
    }
  }

  #successors(at: readonly number[]): number[][] {
    const sayable = new Set(this.#always)
    for (const [i, local] of at.entries()) {
      for (const letter of this.#locals[i]?.[local]?.letters ?? []) {
        sayable.add(letter)
        for (const lie of this.#lies.get(letter) ?? []) sayable.add(lie)
      }
    }
    const found: number[][] = []
    for (const i of [0, 1, 2]) {
      const before = at[i] ?? 0
      for (const letter of sayable) {
        const after = this.#next(i, before, letter)
        if (after === before) continue
        const next = at.with(i, after)
        if (this.#isNew(next)) found.push(next)
      }
    }
    return found
  }

  /** The local state after a letter; the same where it changes nothing. */
  #next(i: number, before: number, letter: number): number {
    const local = this.#locals[i]?.[before] as Local
    const known = local.next[letter]
    if (known !== undefined) return known
    const content = this.#letters[letter] as Letter
    const after = this.#isFor(i, local.state, content) ? this.#intern(i, deliver(local.state, content)) : before
    local.next[letter] = after
    return after
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
    if (locals.length >= LOCAL_MAX) throw new RangeError('more local states than a global one has room for')
    const id = locals.length
    ids.set(key, id)
    for (const { held } of viewsOf(state)) for (const { proposal } of held) this.#learn(proposal)
    const letters = lettersOf(state, this.#options.views).map((letter) => this.#idOf(letter))
    let said = 0
    for (const view of viewsOf(state)) {
      for (const { kind, digest } of Object.values(view.said)) said |= this.#verdicts.bitOf(kind, view.view, digest)
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
    if (letter.type === 'block') {
      this.#learn(letter.proposal)
      this.#lies.set(id, this.#liesAbout(letter.proposal))
    }
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
      for (const variant of ['a', 'b']) {
        const block = makeBlock({ epoch, view, parentView: 0, parent: '00'.repeat(32), height: 1 }, variant)
        const letter = this.#idOf({ type: 'block', from: this.#liar, proposal: block })
        lies.push(letter, ...(this.#lies.get(letter) ?? []))
      }
    }
    return lies
  }

  /** Votes for it, and a block of the liar's on top of it. */
  #liesAbout(block: Proposal): readonly number[] {
    const { epoch, leaders } = this.#committee
    const lies = [KIND.notarize, KIND.finalize].map((kind) =>
      this.#idOf({ type: 'vote', vote: makeVote(kind, this.#liar, epoch, block.view, block) })
    )
    for (let view = block.view + 1; view <= this.#options.views; view++) {
      if (leaders[(view - 1) % leaders.length] !== this.#liar) continue
      const place = { epoch, view, parentView: block.view, parent: block.digest, height: block.height + 1 }
      lies.push(this.#idOf({ type: 'block', from: this.#liar, proposal: makeBlock(place, 'a') }))
    }
    return lies
  }

  #judge(at: readonly number[]): string | null {
    const [a = 0, b = 0, c = 0] = at.map((local, i) => this.#locals[i]?.[local]?.said ?? 0)
    return this.#verdicts.judge((a & b) | (a & c) | (b & c))
  }

  #isNew(at: readonly number[]): boolean {
    const [a = 0, b = 0, c = 0] = at
    const key = a + b * LOCAL_MAX + c * LOCAL_MAX * LOCAL_MAX
    const shard = this.#seen[(a * 31 + b * 17 + c) % SHARDS] as Set<number>
    if (shard.has(key)) return false
    shard.add(key)
    this.#count += 1
    return true
  }
}
