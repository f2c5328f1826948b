import { type Committee, KIND, NO_DIGEST, type Proposal } from '@brume/consensus'
import { type Letter, makeBlock, makeCertificate, makeVote, nameOf } from './member.ts'
import type { Statement, Verdicts } from './verdicts.ts'

/** Statements that each member has made, as bits; the liar's place is unused. */
export type Said = readonly number[]

/** How votes are heard: each by itself, or several at once, as many as make a quorum. */
export type Sets = 'each' | 'quorums'

export interface VocabularyOptions {
  readonly committee: Committee
  readonly liar: number
  readonly views: number
  /** Whether processes end and begin again. */
  readonly restarts: boolean
}

/** What all can speak of once so much was said. */
interface Public {
  readonly letters: readonly number[]
  readonly statements: readonly Statement[]
}

const MEMBERS = [0, 1, 2, 3] as const
/** What decides among four of equal weight, told by hand: nothing of the reducer's arithmetic is asked. */
const QUORUM = 3
const GENESIS = '00'.repeat(32)

/** All that can be said in a world where one of four says whatever it can sign: letters, numbered as they come up. */
export class Vocabulary {
  readonly letters: Letter[] = []
  readonly #ids = new Map<string, number>()
  readonly #blocks = new Map<string, Proposal>()
  readonly #public = new Map<string, Public>()
  readonly #about = new Map<string, readonly number[]>()
  readonly #committee: Committee
  readonly #liar: number
  readonly #views: number
  readonly #verdicts: Verdicts
  /** What nobody says and may happen at any time. */
  readonly #free: readonly number[]

  constructor({ committee, liar, views, restarts }: VocabularyOptions, verdicts: Verdicts) {
    this.#committee = committee
    this.#liar = liar
    this.#views = views
    this.#verdicts = verdicts
    this.#free = [this.idOf({ type: 'timer' }), ...(restarts ? [this.idOf({ type: 'restart' })] : [])]
    for (const block of this.#liesOver(null)) this.learn(block)
  }

  /** A block somebody made; what the liar may put on top of it is known with it. */
  learn(block: Proposal): void {
    if (this.#blocks.has(block.digest)) return
    this.#blocks.set(block.digest, block)
    this.#verdicts.learn(block)
    for (const over of this.#liesOver(block)) this.learn(over)
  }

  /** What a member may hear of the others, by number, ascending. */
  audible(self: number, said: Said, sets: Sets): readonly number[] {
    const everything = said.reduce((all, bits) => all | bits, 0)
    const heard = [...this.#free]
    for (const statement of this.#sayable(self, everything, heard)) {
      const signers = MEMBERS.filter((member) => member === this.#liar || ((said[member] ?? 0) & statement.bit) !== 0)
      const key = `${self}${sets}${statement.bit}/${signers.join('')}`
      const known = this.#about.get(key) ?? this.#lettersAbout(self, statement, signers, sets)
      this.#about.set(key, known)
      heard.push(...known)
    }
    return heard.sort((a, b) => a - b)
  }

  /** How an honest member's statement leaves it. */
  own(self: number, { kind, view, digest }: Statement): number {
    const block = this.#blocks.get(digest)
    if (kind === KIND.notarize && block !== undefined && this.leaderOf(view) === self) {
      return this.idOf({ type: 'block', from: self, proposal: block })
    }
    return this.idOf({ type: 'votes', votes: [makeVote(kind, self, this.#committee.epoch, view, block ?? null)] })
  }

  idOf(letter: Letter): number {
    const name = nameOf(letter)
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const id = this.letters.push(letter) - 1
    this.#ids.set(name, id)
    return id
  }

  leaderOf(view: number): number {
    const { leaders } = this.#committee
    return leaders[(view - 1) % leaders.length] ?? 0
  }

  /** Blocks that honest members spoke of, and the liar's own on what is public. */
  #publicBlocks(everything: number): readonly Proposal[] {
    const named = this.#verdicts.statementsIn(everything).map(({ digest }) => digest)
    const isPublic = ({ digest, view, parent }: Proposal): boolean => {
      if (this.leaderOf(view) !== this.#liar || named.includes(digest)) return named.includes(digest)
      const below = this.#blocks.get(parent)
      return below === undefined || isPublic(below)
    }
    return [...this.#blocks.values()].filter(isPublic)
  }

  /** From its leader, with its vote; one of the liar's also from somebody who was asked for it, without. */
  #blockLetters(self: number, proposal: Proposal): readonly Letter[] {
    const leader = this.leaderOf(proposal.view)
    if (leader === self) return []
    const first: Letter = { type: 'block', from: leader, proposal }
    if (leader !== this.#liar) return [first]
    const other = MEMBERS.find((member) => member !== self && member !== leader) ?? 0
    return [first, { type: 'block', from: other, proposal }]
  }

  /** Anything about a public block, and every view's nullification: the liar can say all of it. Adds the blocks to `heard`. */
  #sayable(self: number, everything: number, heard: number[]): readonly Statement[] {
    const key = `${self}/${everything}`
    const known = this.#public.get(key) ?? this.#publicAt(self, everything)
    this.#public.set(key, known)
    heard.push(...known.letters)
    return known.statements
  }

  #publicAt(self: number, everything: number): Public {
    let bits = everything
    const letters: number[] = []
    for (const block of this.#publicBlocks(everything)) {
      const { view, digest } = block
      for (const letter of this.#blockLetters(self, block)) letters.push(this.idOf(letter))
      for (const kind of [KIND.notarize, KIND.finalize]) bits |= this.#verdicts.bitOf(kind, view, digest)
    }
    for (let view = 1; view <= this.#views; view++) bits |= this.#verdicts.bitOf(KIND.nullify, view, NO_DIGEST)
    return { letters, statements: this.#verdicts.statementsIn(bits) }
  }

  #lettersAbout(self: number, { kind, view, digest }: Statement, signers: readonly number[], sets: Sets): number[] {
    const vote = makeVote(kind, this.#liar, this.#committee.epoch, view, this.#blocks.get(digest) ?? null)
    const others = signers.filter((member) => member !== self)
    const groups = sets === 'each' ? others.map((one) => [one]) : subsetsOf(others)
    const votes = groups.map(
      (group): Letter => ({ type: 'votes', votes: group.map((signer) => ({ ...vote, signer })) })
    )
    const certificates = this.#certifying(signers, view).map(
      (group): Letter => ({ type: 'certificate', from: this.#liar, certificate: makeCertificate(vote, group) })
    )
    return [...votes, ...certificates].map((letter) => this.idOf(letter))
  }

  /** A certificate is told from another by nothing but whether the leader signed it: see the key of a member. */
  #certifying(signers: readonly number[], view: number): readonly (readonly number[])[] {
    const leader = this.leaderOf(view)
    const without = signers.filter((member) => member !== leader)
    return (without.length < signers.length ? [signers, without] : [signers]).filter(({ length }) => length >= QUORUM)
  }

  #liesOver(below: Proposal | null): readonly Proposal[] {
    const { epoch } = this.#committee
    const { view: parentView, digest: parent, height } = below ?? { view: 0, digest: GENESIS, height: 0 }
    const blocks: Proposal[] = []
    for (let view = parentView + 1; view <= this.#views; view++) {
      if (this.leaderOf(view) !== this.#liar) continue
      const place = { epoch, view, parentView, parent, height: height + 1 }
      for (const variant of view === 1 ? ['a', 'b'] : ['a']) blocks.push(makeBlock(place, variant))
    }
    return blocks
  }
}

/** All but the empty one. */
function subsetsOf(members: readonly number[]): readonly (readonly number[])[] {
  const masks = Array.from({ length: 2 ** members.length - 1 }, (_, i) => i + 1)
  return masks.map((mask) => members.filter((_, place) => (mask & (1 << place)) !== 0))
}
