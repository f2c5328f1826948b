import type { Locals } from './locals.ts'
import type { Said } from './vocabulary.ts'
import { casesOf, honestIn, makeWorld, type World, type WorldOptions } from './world.ts'

export interface ExploreOptions extends WorldOptions {
  /** For all configurations together, by `nowS`. */
  readonly seconds: number
  readonly nowS: () => number
  /** Views the liar leads, one search each; null = none of them. Default all. */
  readonly cases?: readonly (number | null)[]
}

export interface Explored {
  /** Which of the views the liar leads; null = one beyond them. */
  readonly liarLeads: number | null
  /** Public states: what each member has said, and what each may have heard without saying more. */
  readonly states: number
  /** Combinations of what the three can have said. */
  readonly sayings: number
  /** Global states these stand for: products of what the members may be. */
  readonly globalStates: number
  readonly localStates: number
  readonly isComplete: boolean
  readonly violation: string | null
}

const LOOK_EVERY = 64

/** What a member may be, given what everybody knows it has said: local states, ascending. */
interface Belief {
  readonly id: number
  readonly said: number
  readonly locals: readonly number[]
}

/** What hearing does to a belief: what else the member may be in silence, and beliefs by what it says next. */
interface Expansion {
  readonly silent: Belief
  readonly speaking: readonly Belief[]
}

interface Audible {
  readonly id: number
  readonly letters: readonly number[]
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
  const { nowS } = options
  const endS = nowS() + options.seconds
  const cases = options.cases ?? casesOf(options.views)
  return cases.map((liarLeads, i) => {
    const untilS = nowS() + (endS - nowS()) / (cases.length - i)
    return { liarLeads, ...new Explorer(makeWorld(liarLeads, options), () => nowS() > untilS).run() }
  })
}

class Explorer {
  readonly #world: World
  readonly #isOver: () => boolean
  readonly #locals: readonly Locals[]
  readonly #beliefs: readonly Map<string, Belief>[] = [new Map(), new Map(), new Map()]
  readonly #expansions: readonly Map<string, Expansion>[] = [new Map(), new Map(), new Map()]
  readonly #audible = new Map<string, readonly Audible[]>()
  readonly #audibleIds = new Map<string, number>()
  readonly #seen = new Set<string>()
  #globalStates = 0

  constructor(world: World, isOver: () => boolean) {
    this.#world = world
    this.#isOver = isOver
    this.#locals = honestIn(world)
  }

  run(): Omit<Explored, 'liarLeads'> {
    const born = this.#locals.map((locals, i) => this.#belief(i, locals.said(0), [0])) as [Belief, Belief, Belief]
    const result = this.#search(this.#hear(born))
    const localStates = this.#locals.reduce((sum, { size }) => sum + size, 0)
    const sayings = this.#audible.size
    return { states: this.#seen.size, sayings, globalStates: this.#globalStates, localStates, ...result }
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
    for (let steps = 1; ; steps++) {
      const at = stack.pop()
      if (at === undefined) return { isComplete: true, violation: null }
      const violation = this.#judge(at)
      if (violation !== null) return { isComplete: false, violation }
      for (const next of this.#moves(at)) push(next)
      if (steps % LOOK_EVERY === 0 && this.#isOver()) return { isComplete: false, violation: null }
    }
  }

  /** Everything that some member may say next, each with what all may have become by then. */
  *#moves(at: Public): Iterable<Public> {
    const audible = this.#audibleAt(at)
    for (const i of [0, 1, 2] as const) {
      for (const belief of this.#expand(i, at[i], audible[i] as Audible).speaking) {
        yield this.#hear(at.with(i, belief) as unknown as Public)
      }
    }
  }

  /** Each member may have heard any of what is sayable, as long as that made it say nothing. */
  #hear(at: Public): Public {
    const audible = this.#audibleAt(at)
    return at.map((belief, i) => this.#expand(i, belief, audible[i] as Audible).silent) as unknown as Public
  }

  #expand(i: number, before: Belief, { id, letters }: Audible): Expansion {
    const key = `${before.id}/${id}`
    const expansions = this.#expansions[i] as Map<string, Expansion>
    const known = expansions.get(key)
    if (known !== undefined) return known
    const locals = this.#locals[i] as Locals
    const silent = new Set(before.locals)
    const speaking = new Map<number, Set<number>>()
    for (const local of silent) {
      for (const letter of letters) {
        const after = locals.next(local, letter)
        if (after === local) continue
        const said = locals.said(after)
        if (said === before.said) silent.add(after)
        else {
          const group = speaking.get(said)
          if (group === undefined) speaking.set(said, new Set([after]))
          else group.add(after)
        }
      }
    }
    const expansion = {
      silent: silent.size === before.locals.length ? before : this.#belief(i, before.said, [...silent]),
      speaking: [...speaking].map(([said, group]) => this.#belief(i, said, [...group]))
    }
    expansions.set(key, expansion)
    expansions.set(`${expansion.silent.id}/${id}`, expansion)
    return expansion
  }

  #audibleAt(at: Public): readonly Audible[] {
    const key = at.map(({ said }) => said).join()
    const known = this.#audible.get(key)
    if (known !== undefined) return known
    const said: number[] = []
    this.#locals.forEach(({ self }, i) => {
      said[self] = (at[i] as Belief).said
    })
    const audible = this.#locals.map(({ self }) => this.#audibleBy(self, said))
    this.#audible.set(key, audible)
    return audible
  }

  #audibleBy(self: number, said: Said): Audible {
    const letters = this.#world.vocabulary.audible(self, said, this.#world.sets)
    const name = letters.join()
    const id = this.#audibleIds.get(name) ?? this.#audibleIds.size
    this.#audibleIds.set(name, id)
    return { id, letters }
  }

  #judge([{ said: a }, { said: b }, { said: c }]: Public): string | null {
    return this.#world.verdicts.judge((a & b) | (a & c) | (b & c))
  }

  #belief(i: number, said: number, locals: readonly number[]): Belief {
    const sorted = locals.toSorted((a, b) => a - b)
    const key = sorted.join()
    const beliefs = this.#beliefs[i] as Map<string, Belief>
    const known = beliefs.get(key)
    if (known !== undefined) return known
    const belief = { id: beliefs.size, said, locals: sorted }
    beliefs.set(key, belief)
    return belief
  }
}
