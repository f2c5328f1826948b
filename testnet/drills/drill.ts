import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPeer } from '@brume/peer'
import { TestnetError } from '../errors.ts'
import type { EventLine } from '../runner/event-line.ts'
import { Books } from './books.ts'
import { Member } from './member.ts'
import type { Character } from './member-main.ts'

/** Who takes part in a machine's replication, and what is done to it. */
export interface DrillPlan {
  readonly members: number
  /** Members whose machine answers wrongly: the last ones. */
  readonly liars: number
  /** Do they vote? Without, they are missing from every quorum besides. */
  readonly liarsVote: boolean
  /** Honest members that are killed with SIGKILL and come back: the first ones. */
  readonly killed: number
  /** Of each of the three parts: all up, some killed, all up again. */
  readonly seconds: number
  /** A fourth part, in which the liars forge what the group sends and propose two blocks at once, until all hold proofs of it. */
  readonly named: boolean
}

export interface DrillOptions extends DrillPlan {
  /** For data directories. */
  readonly folder: string
  readonly events: EventLine
  readonly aborted: AbortSignal
}

export interface DrillOutcome {
  /** Answered, attested; by part. */
  readonly answered: readonly [all: number, down: number, back: number]
  /** Not answered in time: they may have taken effect, once. */
  readonly open: number
  /** Sum of what was answered, and of what is open. */
  readonly sum: number
  readonly openSum: number
  /** Answers, proven sums and told ones that cannot be right. */
  readonly wrong: number
  /** Certified reads whose proof was verified without any peer, and the fewest members behind one. */
  readonly proofs: number
  readonly finalizersMin: number
  readonly attestersMin: number
  /** The sum in the end, by a proof. */
  readonly count: number
  /** Sums that the group told an actor outside, in order; whether those are the right ones, and how many are missing. */
  readonly told: readonly number[]
  readonly isTold: boolean
  readonly untold: number
  /** Statements that honest members heard and that were not their own. */
  readonly contrary: number
  /** Names of members that every honest one holds a proof of, and of those that any does. */
  readonly namedByAll: readonly string[]
  readonly namedByAny: readonly string[]
  /** What the liars did on the wire. */
  readonly misdeeds: number
  readonly areLeft: boolean
}

const RETURN_MS = 120_000
const NAMED_MS = 180_000
/** What members in turn are to hand on, and what waits for one that nobody brings, is there by then. */
const TOLD_MS = 90_000
const POLL_MS = 100
const PROOF_EVERY = 10

/**
 * Processes replicate a machine; some lie, some are killed and come back. A client that is no member adds, reads with proof,
 * verifies offline, is told every sum, and keeps the books.
 */
export async function runDrill(options: DrillOptions): Promise<DrillOutcome> {
  const network = `drill-${randomBytes(6).toString('hex')}`
  const drill = new Drill(options, network)
  const client = await createPeer({ profile: 'local', store: 'memory', mdns: false, network, logLevel: 'error' })
  const say = (sentence: string): void => options.events.emit('drill.wrong', undefined, { sentence })
  try {
    return await drill.run(client, new Books(client, say))
  } finally {
    await client.stop()
    await drill.end()
  }
}

type Client = Awaited<ReturnType<typeof createPeer>>

class Drill {
  readonly #options: DrillOptions
  readonly #members: readonly Member[]
  #client: Client | undefined

  constructor(options: DrillOptions, network: string) {
    this.#options = options
    const name = (i: number): string => (i < options.members - options.liars ? `honest${i + 1}` : `liar${i + 1}`)
    this.#members = Array.from({ length: options.members }, (_, i) => {
      return new Member(name(i), join(options.folder, name(i)), network)
    })
  }

  get #honest(): readonly Member[] {
    return this.#members.slice(0, this.#options.members - this.#options.liars)
  }

  get #liars(): readonly Member[] {
    return this.#members.slice(this.#options.members - this.#options.liars)
  }

  async run(client: Client, books: Books): Promise<DrillOutcome> {
    this.#client = client
    const { killed, liarsVote, named } = this.#options
    await this.#form(books)
    await this.#liarsBecome({ lies: true, ...(!liarsVote && { votes: 'silent' as const }) })
    await this.#untilAnswered(books)
    const all = await this.#part('all up', books)
    const victims = this.#members.slice(0, killed)
    await Promise.all(victims.map((member) => member.kill()))
    const down = await this.#part(`${killed} killed`, books)
    for (const victim of victims) await this.#bringBack(victim, {})
    await this.#untilAnswered(books)
    const back = await this.#part('back', books)
    const contrary = await this.#contrary()
    const accused = named ? await this.#untilNamed(books) : { byAll: [], byAny: [] }
    const misdeeds = (await Promise.all(this.#liars.map((liar) => liar.report()))).map((seen) => seen?.misdeeds ?? 0)
    const count = await this.#proven(books)
    const told = await this.#told(books)
    const areLeft = await this.end()
    const { open, sum, openSum, wrong, proofs, finalizersMin, attestersMin } = books
    return {
      ...{ answered: [all, down, back], open, sum, openSum, wrong, proofs, finalizersMin, attestersMin, count, told },
      ...{
        isTold: books.isTrue(told),
        untold: books.untold(told),
        contrary,
        namedByAll: accused.byAll,
        namedByAny: accused.byAny
      },
      ...{ misdeeds: misdeeds.reduce((total, acts) => total + acts, 0), areLeft }
    }
  }

  /** True where a process is left. */
  async end(): Promise<boolean> {
    await Promise.all(this.#members.map((member) => member.stop()))
    return this.#members.some(({ isUp }) => isUp)
  }

  async #form(books: Books): Promise<void> {
    const { members, events } = this.#options
    await Promise.all(this.#members.map((member) => member.start()))
    for (const member of this.#members) await this.#connect(member)
    const address = await books.found(this.#members.map(({ id }) => id))
    events.emit('drill.formed', undefined, { address, members })
  }

  /** They have the group in their data folders now, and with it all that it takes to break its rules. */
  async #liarsBecome(character: Character): Promise<void> {
    for (const liar of this.#liars) {
      await liar.stop()
      await this.#bringBack(liar, character)
      this.#options.events.emit('peer.behaves', liar.name, { behaviour: Object.keys(character).join(', ') })
    }
  }

  async #bringBack(member: Member, character: Character): Promise<void> {
    await member.start(character)
    await this.#connect(member)
  }

  async #connect(member: Member): Promise<void> {
    await this.#client?.dial(member.addresses, { timeoutMs: RETURN_MS })
    for (const other of this.#members) {
      if (other === member || !other.isUp) continue
      member.dial(other)
      other.dial(member)
    }
  }

  /** One after the other for so long; how many were answered. */
  async #part(part: string, books: Books): Promise<number> {
    const { seconds, events, aborted } = this.#options
    const untilMs = performance.now() + seconds * 1_000
    const before = books.answered
    for (let n = 1; performance.now() < untilMs; n++) {
      aborted.throwIfAborted()
      await books.add()
      // While too few are up to prove anything, none comes.
      if (n % PROOF_EVERY === 0) await books.readProven().catch(() => undefined)
    }
    const answered = books.answered - before
    events.emit('drill.part', undefined, { part, answered, proofs: books.proofs, wrong: books.wrong })
    return answered
  }

  async #untilAnswered(books: Books): Promise<void> {
    const untilMs = performance.now() + RETURN_MS
    while (!(await books.add()) && performance.now() < untilMs) await sleep(POLL_MS)
  }

  async #contrary(): Promise<number> {
    const reports = await Promise.all(this.#honest.map((member) => member.report()))
    return reports.reduce((sum, seen) => sum + (seen?.contrary ?? 0), 0)
  }

  async #untilNamed(books: Books): Promise<{ readonly byAll: readonly string[]; readonly byAny: readonly string[] }> {
    await this.#liarsBecome({ forges: true, votes: 'equivocate' })
    const names = new Map(this.#members.map(({ id, name }) => [id, name]))
    for (const endMs = performance.now() + NAMED_MS; ; ) {
      // A liar proposes two blocks only where there is something to propose.
      await books.add()
      const accused = await Promise.all(this.#honest.map(async (member) => (await member.report())?.accused ?? []))
      const nameOf = (id: string): string => names.get(id) ?? id
      const byAny = [...new Set(accused.flat())].map(nameOf)
      const byAll = byAny.filter((name) => accused.every((one) => one.map(nameOf).includes(name)))
      if (byAll.length < this.#liars.length && performance.now() < endMs) continue
      this.#options.events.emit('drill.named', undefined, { members: byAll.join(' ') })
      return { byAll, byAny }
    }
  }

  /** The sum by a proof; members that were put out of the committee since are no hindrance, a little patience is needed. */
  async #proven(books: Books): Promise<number> {
    for (const endMs = performance.now() + RETURN_MS; ; await sleep(POLL_MS)) {
      const count = await books.readProven().catch((error: unknown) => error)
      if (typeof count === 'number') return count
      if (performance.now() < endMs) continue
      throw new TestnetError('BRUME_TESTNET_DEADLINE', 'nobody proves the sum', { cause: count })
    }
  }

  async #told(books: Books): Promise<readonly number[]> {
    for (const endMs = performance.now() + TOLD_MS; performance.now() < endMs; await sleep(POLL_MS)) {
      if (books.untold(await books.told()) === 0) break
    }
    return books.told()
  }
}
