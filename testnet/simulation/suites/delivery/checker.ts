/** What was to be carried from one actor to another. */
export interface Letter {
  readonly id: number
  /** `tell` at most once; `ask` answered once; `durable` exactly once, in order. */
  readonly kind: 'tell' | 'ask' | 'durable'
  readonly from: string
  readonly incarnation: number
  readonly to: string
  /** Does the receiver survive its process? */
  readonly isKept: boolean
  /** Its receiver refuses it for good; a sender that died meanwhile is not told why. */
  readonly isRefused: boolean
  readonly ttlMs: number
}

/** A promise that was broken, by name, and how. */
export interface Violation {
  readonly check: string
  readonly what: string
}

interface Sent extends Letter {
  readonly atMs: number
  readonly told: string[]
}

interface Taken {
  readonly life: string
}

/** A frame may lie in a clogged stream until the connection is given up for dead, and one more stall beyond that. */
const TRANSIT_MS_MAX = 13_000

/**
 * What delivery promises, told again from what senders and receivers see, without any of its code: who was given what,
 * when, in which life, and what senders were told.
 */
export class Checker {
  readonly #sent = new Map<number, Sent>()
  readonly #lives = new Map<string, number[]>()
  readonly #taken = new Map<number, Taken[]>()
  readonly #highest = new Map<string, number>()
  readonly #tellings = new Set<string>()
  readonly #left = new Set<number>()
  readonly #committed = new Set<number>()
  readonly #downs = new Map<string, number>()
  #violation: Violation | null = null

  get violation(): Violation | null {
    return this.#violation
  }

  get letters(): number {
    return this.#sent.size
  }

  sent(letter: Letter, atMs: number): void {
    this.#sent.set(letter.id, { ...letter, atMs, told: [] })
  }

  /** The sender's process of this boot was told: `committed`, `replied`, or why not. */
  told(id: number, outcome: string, boot: number, atMs: number): void {
    const letter = this.#letter(id)
    if (letter === undefined) return
    if (this.#tellings.has(`${id} ${outcome} ${boot}`)) this.#fail('told-twice', `${id} was told ${outcome} again`)
    this.#tellings.add(`${id} ${outcome} ${boot}`)
    letter.told.push(outcome)
    if (letter.kind !== 'durable' || letter.isRefused) return
    if (outcome === 'committed' && !this.#committed.has(id)) {
      this.#fail('lost-after-ack', `${id} was called durable at ${atMs} ms and is on no disk`)
    }
  }

  /** A receiver processed it. `life`: of the receiver, with its process where it lives in memory. */
  processed(id: number, life: string, atMs: number): void {
    const letter = this.#letter(id)
    if (letter === undefined) return
    this.#once(letter, life)
    this.#inOrder(letter, life)
    this.#notStale(letter, life)
    if (atMs > letter.atMs + letter.ttlMs + TRANSIT_MS_MAX) {
      this.#fail('too-late', `${id} was given at ${letter.atMs} ms for ${letter.ttlMs} ms and came at ${atMs} ms`)
    }
  }

  /** Its sender's batch is on disk: from here on it must arrive. */
  left(id: number): void {
    this.#left.add(id)
  }

  /** It is on the receiver's disk. */
  committed(id: number): void {
    this.#committed.add(id)
  }

  /** A process died: what its actors on disk had processed and not committed did not happen. */
  died(isOf: (life: string) => boolean): void {
    const isUndone = (id: number, life: string): boolean =>
      isOf(life) && this.#sent.get(id)?.kind !== 'tell' && !this.#committed.has(id)
    for (const [id, taken] of this.#taken)
      this.#taken.set(
        id,
        taken.filter(({ life }) => !isUndone(id, life))
      )
    for (const [key, ids] of this.#lives) {
      const [life = ''] = key.split(' ')
      if (isOf(life))
        this.#lives.set(
          key,
          ids.filter((id) => !isUndone(id, life))
        )
    }
  }

  down(watch: string, incarnation: number): void {
    const key = `${watch} ${incarnation}`
    const times = (this.#downs.get(key) ?? 0) + 1
    this.#downs.set(key, times)
    if (times > 1) this.#fail('watch-twice', `${watch} was told ${times} times of the end of ${incarnation}`)
  }

  bounded(what: string, value: number, max: number): void {
    if (value > max) this.#fail('memory', `${value} ${what}, at most ${max} are promised`)
  }

  /** All calm for long: what was promised for good must have come. `logs`: what each disk holds, in order. */
  ended(logs: ReadonlyMap<string, readonly number[]>): void {
    for (const [actor, log] of logs) this.#log(actor, log)
    for (const letter of this.#sent.values()) this.#settled(letter, logs)
  }

  #once(letter: Sent, life: string): void {
    const before = this.#taken.get(letter.id) ?? []
    // An ask of an actor in memory is asked again of the next life: it knows no key of the one before.
    const same = letter.kind === 'ask' && !letter.isKept ? before.filter((taken) => taken.life === life) : before
    if (same.length > 0) this.#fail('twice', `${letter.id} (${letter.kind}) was processed again in ${life}`)
    this.#taken.set(letter.id, [...before, { life }])
  }

  #inOrder(letter: Sent, life: string): void {
    // The caller's asks are many callers'.
    if (letter.kind === 'ask') return
    const key = `${life} ${letter.from}#${letter.incarnation}`
    const ids = this.#lives.get(key) ?? []
    const last = ids.at(-1) ?? -1
    if (letter.id < last) this.#fail('order', `${letter.id} came after ${last} from ${letter.from} in ${life}`)
    this.#lives.set(key, [...ids, letter.id])
  }

  #notStale(letter: Sent, life: string): void {
    const key = `${life} ${letter.from}`
    const highest = this.#highest.get(key) ?? 0
    if (letter.incarnation < highest) {
      this.#fail('stale', `${letter.id} of life ${letter.incarnation} came after one of ${highest} from ${letter.from}`)
    }
    this.#highest.set(key, Math.max(highest, letter.incarnation))
  }

  #log(actor: string, log: readonly number[]): void {
    const last = new Map<string, number>()
    for (const id of log) {
      const letter = this.#sent.get(id)
      if (letter === undefined || letter.kind !== 'durable') continue
      if ((last.get(letter.from) ?? -1) >= id) this.#fail('order', `the disk of ${actor} has ${id} too late or twice`)
      last.set(letter.from, id)
    }
  }

  #settled({ id, kind, to, told, isRefused }: Sent, logs: ReadonlyMap<string, readonly number[]>): void {
    if (kind !== 'durable' || isRefused || told.includes('expired')) return
    if (!this.#left.has(id)) return
    if (logs.get(to)?.includes(id) !== true)
      this.#fail('lost', `${id} never reached ${to}; its sender was told: ${told}`)
  }

  #letter(id: number): Sent | undefined {
    const letter = this.#sent.get(id)
    if (letter === undefined) this.#fail('unknown', `${id} was never sent`)
    return letter
  }

  #fail(check: string, what: string): void {
    this.#violation ??= { check, what }
  }
}
