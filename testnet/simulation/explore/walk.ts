import type { Locals } from './locals.ts'
import type { Letter } from './member.ts'
import { casesOf, honestIn, makeWorld, type World, type WorldOptions } from './world.ts'

export interface WalkOptions extends WorldOptions {
  /** Distinct global states to look at, in all configurations together. */
  readonly states: number
  /** Deliveries out of the order of sending that one run may have. */
  readonly reorderings: number
  /** Views the liar leads, one walk each; null = none of them. Default all. */
  readonly cases?: readonly (number | null)[]
  /** Told once in so many states how many there are. */
  readonly onProgress?: (walked: Walked) => void
}

export interface Walked {
  readonly liarLeads: number | null
  readonly states: number
  /** Of them, those with a member in the last view or past it. */
  readonly statesInLast: number
  readonly localStates: number
  /** Highest view that a member is in. */
  readonly deepestView: number
  /** Whether nothing was left to look at. */
  readonly isExhausted: boolean
  readonly violation: string | null
}

const TELL_EVERY = 100_000

/** One global state; arrays by place of the honest member. */
interface Run {
  readonly locals: readonly number[]
  /** Letters in the order in which each sent them. */
  readonly sent: readonly (readonly number[])[]
  /** By receiver and sender: bits of the sender's letters that were heard. */
  readonly heard: readonly number[]
  readonly reorderings: number
  readonly deliveries: number
}

/**
 * Global states one by one, in many views but not in every order: what an honest member sends to another
 * arrives in the order of sending, but for a few letters that overtake. Links are as slow as they like, against
 * each other too; timers fire whenever, and the liar says anything it can sign to anybody, as often as it wants.
 * Votes are heard one at a time.
 */
export function walk(options: WalkOptions): readonly Walked[] {
  const cases = options.cases ?? casesOf(options.views)
  return cases.map((liarLeads) => {
    const world = makeWorld(liarLeads, { ...options, sets: 'each' })
    const statesMax = Math.ceil(options.states / cases.length)
    const onProgress = (found: Found) => options.onProgress?.({ liarLeads, ...found })
    return { liarLeads, ...new Walk(world, { statesMax, reorderings: options.reorderings, onProgress }).run() }
  })
}

type Found = Omit<Walked, 'liarLeads'>

interface Limits {
  readonly statesMax: number
  readonly reorderings: number
  readonly onProgress: (found: Found) => void
}

class Walk {
  readonly #world: World
  readonly #limits: Limits
  readonly #members: readonly Locals[]
  readonly #seen = new Set<string>()
  /** By deliveries so far: runs of every length are continued in turn. */
  readonly #frontier: Run[][] = []
  readonly #lies = new Map<string, readonly number[]>()
  #statesInLast = 0
  #deepestView = 1
  #violation: string | null = null

  constructor(world: World, limits: Limits) {
    this.#world = world
    this.#limits = limits
    this.#members = honestIn(world)
  }

  run(): Found {
    const locals = this.#members.map(() => 0)
    const sent = this.#members.map((member) => this.#letters(member, member.said(0)))
    this.#find({ locals, sent, heard: new Array<number>(9).fill(0), reorderings: 0, deliveries: 0 })
    for (let isMore = true; isMore && !this.#isOver(); ) {
      isMore = false
      for (const runs of this.#frontier) {
        const at = runs.pop()
        if (at === undefined) continue
        isMore = true
        this.#continue(at)
        if (this.#isOver()) break
      }
    }
    return this.#result()
  }

  #isOver(): boolean {
    return this.#violation !== null || this.#seen.size >= this.#limits.statesMax
  }

  #result(): Found {
    return {
      states: this.#seen.size,
      statesInLast: this.#statesInLast,
      localStates: this.#members.reduce((sum, { size }) => sum + size, 0),
      deepestView: this.#deepestView,
      isExhausted: this.#violation === null && this.#frontier.every((runs) => runs.length === 0),
      violation: this.#violation
    }
  }

  /** Judged when it is found, so that what waits to be continued is judged too. */
  #find(run: Run): void {
    const key = `${run.locals}/${run.sent}/${run.heard}/${run.reorderings}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    const view = Math.max(...run.locals.map((local, i) => (this.#members[i] as Locals).viewOf(local)))
    this.#deepestView = Math.max(this.#deepestView, view)
    if (view >= this.#world.views) this.#statesInLast += 1
    const [a = 0, b = 0, c = 0] = run.locals.map((local, i) => (this.#members[i] as Locals).said(local))
    this.#violation ??= this.#world.verdicts.judge((a & b) | (a & c) | (b & c))
    const runs = this.#frontier[run.deliveries] ?? []
    this.#frontier[run.deliveries] = runs
    runs.push(run)
    if (this.#seen.size % TELL_EVERY === 0) this.#limits.onProgress(this.#result())
  }

  #continue(at: Run): void {
    for (const i of this.#members.keys()) {
      for (const letter of this.#liesTo(i, at)) this.#deliver(at, i, letter, {})
      for (const j of this.#members.keys()) if (j !== i) this.#deliverFrom(at, i, j)
    }
  }

  /** The oldest letter that was not heard, and others before it as long as any may overtake. */
  #deliverFrom(at: Run, to: number, from: number): void {
    const link = to * this.#members.length + from
    const heard = at.heard[link] as number
    let overtakes = 0
    for (const [place, letter] of (at.sent[from] as readonly number[]).entries()) {
      if ((heard & (1 << place)) !== 0) continue
      const reorderings = at.reorderings + overtakes
      if (reorderings > this.#limits.reorderings) return
      this.#deliver(at, to, letter, { heard: at.heard.with(link, heard | (1 << place)), reorderings })
      overtakes = 1
    }
  }

  #deliver(at: Run, to: number, letter: number, change: Partial<Run>): void {
    const member = this.#members[to] as Locals
    const before = at.locals[to] as number
    const after = member.next(before, letter)
    if (after === before && change.heard === undefined) return
    const news = member.said(after) & ~member.said(before)
    const sent = at.sent[to] as readonly number[]
    this.#find({
      ...at,
      ...change,
      locals: at.locals.with(to, after),
      sent: news === 0 ? at.sent : at.sent.with(to, [...sent, ...this.#letters(member, news)]),
      deliveries: at.deliveries + 1
    })
  }

  /** In the order of the protocol; a leader's notarize vote leaves with its block. */
  #letters(member: Locals, news: number): readonly number[] {
    const statements = this.#world.verdicts.statementsIn(news).toSorted((a, b) => a.view - b.view || a.kind - b.kind)
    return statements.map((statement) => this.#world.vocabulary.own(member.self, statement))
  }

  /** What may come at any time: timers, and all of the liar's. */
  #liesTo(i: number, at: Run): readonly number[] {
    const said: number[] = []
    for (const [place, member] of this.#members.entries()) said[member.self] = member.said(at.locals[place] as number)
    const key = `${i}/${said}`
    const known = this.#lies.get(key)
    if (known !== undefined) return known
    const { vocabulary, liar } = this.#world
    const isLie = (letter: Letter): boolean => {
      if (letter.type === 'votes') return letter.votes[0]?.signer === liar
      return letter.type !== 'block' || vocabulary.leaderOf(letter.proposal.view) === liar
    }
    const all = vocabulary.audible((this.#members[i] as Locals).self, said, 'each')
    const lies = all.filter((letter) => isLie(vocabulary.letters[letter] as Letter))
    this.#lies.set(key, lies)
    return lies
  }
}
